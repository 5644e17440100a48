import type { IncomingHttpHeaders } from "node:http";

/** A problem document as the client sees it. */
export interface SeenProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly timestamp: string;
  readonly detail?: string;
  readonly instance?: string;
  readonly durationMs?: number;
  readonly traceId?: string;
}

const members = ["type", "title", "status", "detail", "instance", "code", "timestamp", "durationMs", "traceId"];

/** The document of an answer. @throws Error naming the rule of RFC 9457, or of the middleware, that it breaks */
export function checkProblem(status: number, headers: IncomingHttpHeaders, body: string): SeenProblem {
  const rule = (holds: boolean, name: string): void => {
    if (!holds) throw new Error(`${name}: ${status} ${JSON.stringify(headers)} ${body.slice(0, 500)}`);
  };
  rule(/^application\/problem\+json(;|$)/.test(headers["content-type"] ?? ""), "the media type");
  rule(headers["cache-control"] === "no-store", "the answer must not be kept");
  rule(
    headers["content-length"] === undefined || Number(headers["content-length"]) === Buffer.byteLength(body),
    "length",
  );
  const seen = JSON.parse(body) as SeenProblem;
  rule(typeof seen === "object" && seen !== null && !Array.isArray(seen), "one object");
  rule(
    Object.keys(seen).every((name) => members.includes(name)),
    "no other members",
  );
  rule(URL.canParse(seen.type, "http://localhost/"), "type is a URI reference");
  rule(typeof seen.title === "string" && seen.title !== "", "title is a text");
  rule(seen.status === status && status >= 400 && status <= 599, "status is that of the answer");
  for (const name of ["detail", "instance", "traceId"] as const) {
    rule(seen[name] === undefined || typeof seen[name] === "string", `${name} is a text`);
  }
  rule(/^[A-Z][A-Z0-9_]*$/.test(seen.code), "code");
  rule(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(seen.timestamp), "timestamp");
  rule(seen.durationMs === undefined || seen.durationMs >= 0, "durationMs");
  const retryAfter = headers["retry-after"];
  rule(retryAfter === undefined || /^[1-9]\d*$/.test(retryAfter), "Retry-After is a whole number of seconds, never 0");
  return seen;
}
