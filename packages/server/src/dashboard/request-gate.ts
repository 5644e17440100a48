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
const forwarding = ["forwarded", "x-forwarded-for", "x-forwarded-host", "via"] as const;

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
      // A proxy on this machine stands for whoever asked it.
      if (forwarding.some((name) => headers[name] !== undefined))
        throw forbidden("without a token the dashboard is for this machine alone, and this came by way of a proxy");
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
      // Before a name that was given on purpose may stand a proxy that ends TLS; and a token no foreign page has.
      const schemes = token !== undefined && hosts.includes(hostName(host)) ? ["http", "https"] : [schemeOf(request)];
      if (origin !== undefined && !schemes.some((scheme) => origin === `${scheme}://${host}`)) {
        throw forbidden(`pages of other origins may not ask (got ${shown(origin)})`);
      }
      if (isFromOtherSite(request)) throw forbidden("pages of other origins may not ask, nor lead here");
      if (token !== undefined && !isSame(authorization, `Bearer ${token}`)) {
        throw new Problem(401, "the token is missing or wrong", { "www-authenticate": "Bearer" });
      }
    },
  };
}

/**
 * Why a request of a page in a browser is refused where programs may ask what they like, by any name: it is of another
 * origin, or of a name that was made to mean this machine. Undefined for programs, for links that somebody followed, and for
 * pages of this server.
 */
export function foreignPage(request: IncomingMessage, hosts: readonly string[]): string | undefined {
  const { headers, method, socket } = request;
  const { host = "", origin } = headers;
  if (origin === undefined) {
    const isLink = method === "GET" && headers["sec-fetch-mode"] === "navigate";
    return isFromOtherSite(request) && !isLink ? "pages of other origins may not ask" : undefined;
  }
  const name = hostName(host);
  const isKnown = isLocalHost(name) || name === plainAddress(socket.localAddress) || hosts.includes(name);
  const isOwn = [schemeOf(request), ...(hosts.includes(name) ? ["https"] : [])].some(
    (scheme) => origin === `${scheme}://${host}`,
  );
  return isKnown && isOwn ? undefined : `pages of other origins may not ask (got ${shown(origin)})`;
}

/** What browsers add by themselves: scripts and pictures of another page have no `Origin`. */
function isFromOtherSite({ headers }: IncomingMessage): boolean {
  const site = headers["sec-fetch-site"];
  return site === "cross-site" || site === "same-site";
}

function schemeOf({ socket }: IncomingMessage): "http" | "https" {
  return (socket as Partial<TLSSocket>).encrypted === true ? "https" : "http";
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
