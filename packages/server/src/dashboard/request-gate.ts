import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIPv4 } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Address } from "holdfast/runtime";
import { isLocalHost } from "../faults/request-guard.ts";
import { Problem } from "./problem.ts";

export interface GateOptions {
  /** Asked of every request for data. Without one, only this machine is served. */
  readonly token: string | undefined;
  /** Names, beside those of this machine and the addresses listened on, by which browsers may ask. */
  readonly hosts: readonly string[];
  /** Where the server listens, once it does. */
  readonly listening: () => readonly Address[];
}

/** Who may see the dashboard, and who may change something with it. */
export interface Gate {
  /** Turns away who may not even load the page. @throws Problem */
  checkPage(request: IncomingMessage): void;
  /** Turns away who may not have data, and pages of other origins. @throws Problem */
  checkData(request: IncomingMessage): void;
}

const wildcards: readonly string[] = ["0.0.0.0", "::"];

/**
 * Keeps out what a page in somebody's browser could send: one of another origin, or one whose name was made to mean this
 * machine (DNS rebinding). And who has not the token.
 */
export function createGate({ token, hosts, listening }: GateOptions): Gate {
  function checkPage(request: IncomingMessage): void {
    const { socket, headers } = request;
    const own = listening();
    const at = own.find(({ port }) => port === socket.localPort);
    if (token === undefined) {
      if (at !== undefined && !isLocalHost(at.host))
        throw forbidden("the dashboard is off here: it has no token, and other machines reach this port");
      if (!isLocalHost(plainAddress(socket.remoteAddress)))
        throw forbidden("without a token the dashboard is for this machine alone");
    }
    const { host = "" } = headers;
    const name = hostName(host);
    const isKnown =
      isLocalHost(name) ||
      (token !== undefined && name !== "" && name === plainAddress(socket.localAddress)) ||
      own.some((address) => address.host === name && !wildcards.includes(name)) ||
      hosts.includes(name);
    if (!isKnown) throw forbidden(`requests must be addressed to this server by a name it knows (got ${shown(host)})`);
  }

  return {
    checkPage,
    checkData(request) {
      checkPage(request);
      const { host = "", origin, authorization = "" } = request.headers;
      const scheme = (request.socket as Partial<TLSSocket>).encrypted === true ? "https" : "http";
      if (origin !== undefined && origin !== `${scheme}://${host}`) {
        throw forbidden(`pages of other origins may not ask (got ${shown(origin)})`);
      }
      if (token !== undefined && !isSame(authorization, `Bearer ${token}`)) {
        throw new Problem(401, "the token is missing or wrong", { "www-authenticate": "Bearer" });
      }
    },
  };
}

function hostName(host: string): string {
  if (host === "" || !URL.canParse(`http://${host}`)) return "";
  return new URL(`http://${host}`).hostname.replace(/^\[(.*)\]$/, "$1");
}

/** IPv4 in IPv6's clothes is IPv4. */
function plainAddress(address: string = ""): string {
  const mapped = address.replace(/^::ffff:/i, "");
  return isIPv4(mapped) ? mapped : address;
}

function forbidden(detail: string): Problem {
  return new Problem(403, detail);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

/** Takes as long whatever the difference. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
