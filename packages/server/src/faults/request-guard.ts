import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIPv4 } from "node:net";

export interface GuardOptions {
  /** Asked of every request; without one, whoever reaches the port may ask. */
  readonly token: string | undefined;
  /** Whether only this machine reaches the port: then requests must be addressed to it by such a name. */
  readonly isLocal: boolean;
}

/** Why a request is turned away. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly code: "UNAUTHENTICATED" | "FORBIDDEN";
  readonly message: string;
}

/** Whether a host's name or address means this machine alone. */
export function isLocalHost(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

/**
 * Turns away what a page in somebody's browser could send: one of another origin, or one whose name was made to mean this
 * machine. And who has not the token.
 */
export function refuse({ headers }: IncomingMessage, { token, isLocal }: GuardOptions): Refusal | undefined {
  const { host = "", origin, authorization = "" } = headers;
  const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname.replace(/^\[(.*)\]$/, "$1") : "";
  if (isLocal && !isLocalHost(name)) {
    return forbidden(`requests must be addressed to this machine (got ${JSON.stringify(host.slice(0, 80))})`);
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    return forbidden(`pages of other origins may not ask (got ${JSON.stringify(origin.slice(0, 80))})`);
  }
  if (token === undefined || isSame(authorization, `Bearer ${token}`)) return undefined;
  return { status: 401, code: "UNAUTHENTICATED", message: "the token is missing or wrong" };
}

function forbidden(message: string): Refusal {
  return { status: 403, code: "FORBIDDEN", message };
}

/** Takes as long whatever the difference. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
