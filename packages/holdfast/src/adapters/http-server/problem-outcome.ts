import type { IncomingMessage, ServerResponse } from "node:http";
import type { ProblemOutcome } from "./problem-options.ts";

/** What is used of Node's request and response. */
export type ProblemRequest = Pick<IncomingMessage, "headers" | "method" | "httpVersionMajor" | "aborted" | "socket">;
export type ProblemResponse = Pick<
  ServerResponse,
  | "closed"
  | "destroy"
  | "destroyed"
  | "end"
  | "errored"
  | "hasHeader"
  | "headersSent"
  | "removeHeader"
  | "statusCode"
  | "writableEnded"
  | "writeHead"
>;

/** What can still be done about an error. */
export function outcomeOf(error: unknown, request: ProblemRequest, response: ProblemResponse): ProblemOutcome {
  if (response.writableEnded) return "late";
  if (isBroken(error, response)) return "cutOff";
  if (response.closed || response.destroyed || hasHungUp(request)) return "clientGone";
  return response.headersSent ? "cutOff" : "answered";
}

/** Whether the server itself gave the answer up, as `pipeline` does when its source fails. */
function isBroken(error: unknown, { errored }: ProblemResponse): boolean {
  if (errored === null || errored === undefined) return false;
  const { code } = errored as { readonly code?: unknown };
  // The first is what `pipeline` says when the client went; the others may also be those of the source.
  if (code === "ERR_STREAM_PREMATURE_CLOSE") return false;
  return errored === error || (code !== "ECONNRESET" && code !== "EPIPE");
}

/** Known a little before the response closes. */
function hasHungUp(request: ProblemRequest): boolean {
  try {
    return request.aborted || request.socket.destroyed;
  } catch {
    // HTTP/2 has no socket any more when the session is over.
    return true;
  }
}

/** INTERNAL_ERROR (RFC 9113, 7). */
const internalError = 2;

/** So that the client notices: HTTP/1 has only the connection for it, and HTTP/2 would end a destroyed stream as if it were whole. */
export function cutOff(response: ProblemResponse): void {
  const { stream } = response as { readonly stream?: { close?(code: number): void } };
  if (typeof stream?.close === "function") stream.close(internalError);
  else if (!response.destroyed) response.destroy();
}

/** What a handler said of the body that it meant to send. */
export const headersOfBody: readonly string[] = [
  "accept-ranges",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-range",
  "content-type",
  "etag",
  "expires",
  "last-modified",
  "trailer",
  "transfer-encoding",
];
