import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";

/** Why a request is not answered as it was asked: a problem document (RFC 9457), thrown. */
export class Problem extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.headers = headers;
  }
}

/** What comes is data: no page of anybody else may have it, and no browser takes it for anything else. */
export const dataHeaders: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
};

export function sendJson(response: ServerResponse, status: number, document: unknown): void {
  send(response, status, "application/json; charset=utf-8", JSON.stringify(document));
}

export function sendProblem(response: ServerResponse, { status, message, headers }: Problem): void {
  const body = JSON.stringify({ title: STATUS_CODES[status] ?? "Error", status, detail: message });
  send(response, status, "application/problem+json", body, headers);
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    ...dataHeaders,
    ...headers,
  });
  response.end(body);
}

/** Reads a whole body of JSON; none is undefined. @throws Problem 413, 415, 400 */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const { "content-type": type, "content-length": length } = request.headers;
  const isEmpty = length === "0" || (length === undefined && request.headers["transfer-encoding"] === undefined);
  // No form of a foreign page can send this type.
  if (!isEmpty && !/^application\/json\s*(;|$)/i.test(type ?? "")) {
    throw new Problem(415, "the body must be application/json");
  }
  if (Number(length ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    parts.push(part);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts)));
  } catch (error) {
    throw new Problem(400, `the body must be one JSON document: ${(error as Error).message}`);
  }
}

/** The rest of the body is not read: the connection has no use after that. */
function tooLarge(maxBytes: number): Problem {
  return new Problem(413, `the body must be at most ${maxBytes} bytes`, { connection: "close" });
}
