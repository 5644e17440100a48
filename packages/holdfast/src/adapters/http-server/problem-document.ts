import { classify, ErrorShape, type AnyFailure } from "../../errors/index.ts";
import { exposedMessage } from "./problem-exposure.ts";
import { problemMembers, textOf, type ProblemMembers, type RequestFacts } from "./problem-members.ts";
import type { ProblemEvent, ProblemOutcome, ProblemSettings } from "./problem-options.ts";
import { toldOf } from "./problem-status.ts";

/** The answer to an error: a problem document (RFC 9457) that tells nothing of the inside. */
export interface Problem extends ProblemMembers {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly code: string;
  readonly failure: AnyFailure;
}

/** Headers of an error that its status needs; no others go out. */
const neededHeaders = ["allow", "content-range", "proxy-authenticate", "upgrade", "www-authenticate"] as const;

const maxRetryAfterMs = 86_400_000;

/** Whatever was thrown as an answer. Every member of the document is made here: nothing is copied from the error but what it exposes. */
export function problemOf<Request>(
  error: unknown,
  facts: RequestFacts<Request>,
  settings: ProblemSettings<Request>,
): Problem {
  const failure = failureOf(error, settings);
  const { status, code, source } = toldOf(error, failure, settings.statuses);
  const detail = detailOf(error, failure, status, source, facts, settings);
  return documentOf(facts, settings, {
    status,
    code,
    detail,
    failure,
    headers: headersOf(error, status, failure, settings),
  });
}

/** The answer for a path that leads nowhere: no error. */
export function notFoundProblem<Request>(facts: RequestFacts<Request>, settings: ProblemSettings<Request>): Problem {
  notFound ??= classify({ status: 404 });
  const failure = notFound;
  const status = settings.statuses.get(failure.code) ?? 404;
  return documentOf(facts, settings, { status, code: failure.code, detail: undefined, failure, headers: {} });
}

let notFound: AnyFailure | undefined;

/** Tells the listener, who never changes what the client gets. */
export function tellProblem<Request>(
  settings: ProblemSettings<Request>,
  { request }: RequestFacts<Request>,
  error: unknown,
  { failure, code, durationMs, traceId }: Problem,
  outcome: ProblemOutcome,
  status: number,
): void {
  if (settings.onError === undefined) return;
  const event: ProblemEvent<Request> = { request, error, failure, outcome, status, code, durationMs, traceId };
  try {
    const result: unknown = settings.onError(event);
    // An asynchronous listener that fails must not end the process.
    if (result instanceof Promise) result.catch(() => {});
  } catch {
    // As it says above.
  }
}

interface Contents extends Pick<Problem, "status" | "code" | "failure" | "headers"> {
  readonly detail: string | undefined;
}

function documentOf<Request>(
  facts: RequestFacts<Request>,
  settings: ProblemSettings<Request>,
  { status, code, detail, failure, headers }: Contents,
): Problem {
  return {
    status,
    ...problemMembers(facts, settings, { status, code, detail }),
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
    code,
    failure,
  };
}

function failureOf<Request>(error: unknown, settings: ProblemSettings<Request>): AnyFailure {
  const { clock } = settings;
  try {
    const failure = settings.classify(error, { clock });
    if (typeof failure?.kind === "string" && typeof failure.code === "string") return failure;
  } catch {
    // The program's own, and wrong.
  }
  return classify(error, { clock });
}

function detailOf<Request>(
  error: unknown,
  failure: AnyFailure,
  status: number,
  source: ErrorShape,
  { isExposed }: RequestFacts<Request>,
  { detail }: ProblemSettings<Request>,
): string | undefined {
  if (detail !== undefined) return textOf(() => detail(failure, error));
  if (status >= 500) return undefined;
  return exposedMessage(source) ?? (isExposed === true ? textOf(() => source.text("message")) : undefined);
}

function headersOf<Request>(
  error: unknown,
  status: number,
  failure: AnyFailure,
  settings: ProblemSettings<Request>,
): Record<string, string> {
  const headers: Record<string, string> = {};
  const shape = new ErrorShape(error);
  if (status < 500) {
    const given = shape.child("headers");
    const ofResponse = shape.child("res").child("headers");
    for (const name of neededHeaders) {
      const value = headerOf(ofResponse, name) ?? headerOf(given, name);
      if (value !== undefined) headers[name] = value;
    }
  }
  const retryAfterMs = retryAfterOf(status, failure, settings);
  // RFC 9110, 10.2.3: whole seconds. Never 0, which asks for the next request at once.
  if (retryAfterMs !== undefined) headers["retry-after"] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return headers;
}

function retryAfterOf<Request>(
  status: number,
  failure: AnyFailure,
  settings: ProblemSettings<Request>,
): number | undefined {
  if (![413, 429, 502, 503, 504].includes(status)) return undefined;
  const asked = new ErrorShape(failure).number("retryAfterMs");
  if (asked !== undefined) return Math.min(maxRetryAfterMs, Math.max(0, asked));
  const isWorthIt = status === 429 || (status === 503 && failure.retryable);
  return isWorthIt && settings.retryAfterMs > 0 ? settings.retryAfterMs : undefined;
}

/** Of a plain object, however it is spelled, or of fetch's. */
function headerOf({ value: headers }: ErrorShape, name: string): string | undefined {
  const value = textOf(() => {
    if (typeof headers !== "object" || headers === null) return undefined;
    if (typeof (headers as Headers).get === "function") return (headers as Headers).get(name);
    const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name);
    return found?.[1] as unknown;
  });
  return value !== undefined && /^[\t\x20-\x7e]+$/.test(value) ? value : undefined;
}
