import {
  BusinessError,
  classify,
  ConsistencyError,
  NetworkError,
  OperationTimeoutError,
  ResourceError,
  SystemError,
} from "../../../errors/index.ts";
import { bulkhead, circuitBreaker, rateLimiter, timeout, type Policy } from "../../../resilience/index.ts";
import type { Clock } from "../../../runtime/system.ts";
import { HttpStatusError } from "../../http-client/index.ts";

/** Something that is thrown, and what the client must see of it. */
export interface ProblemCase {
  readonly what: string;
  readonly error: () => unknown;
  readonly status: number;
  readonly code: string;
  /** Default none. */
  readonly retryAfter?: string;
}

/** One that stands still until it is told to go on. */
export type TestClock = Clock & { advance(byMs: number): Promise<void> };

const foreign = (fields: object): unknown => Object.assign(new Error("of somebody else"), fields);

/** The table of docs/errors/http.md, row by row. */
export const problemCases = (newClock: () => TestClock): readonly ProblemCase[] => [
  // The program's own.
  { what: "business", error: () => new BusinessError("no"), status: 400, code: "INVALID_REQUEST" },
  row("business, own code", () => new BusinessError("no", { code: "ORDER_CLOSED" }), 400, "ORDER_CLOSED"),
  row("business, own status", () => Object.assign(new BusinessError("no"), { status: 418 }), 418, "INVALID_REQUEST"),
  row("unauthenticated", () => new BusinessError("no", { code: "UNAUTHENTICATED" }), 401, "UNAUTHENTICATED"),
  row("forbidden", () => new BusinessError("no", { code: "FORBIDDEN" }), 403, "FORBIDDEN"),
  row("not found", () => new BusinessError("no", { code: "NOT_FOUND" }), 404, "NOT_FOUND"),
  row("too large", () => new BusinessError("no", { code: "PAYLOAD_TOO_LARGE" }), 413, "PAYLOAD_TOO_LARGE"),
  row("constraint", () => new BusinessError("no", { code: "CONSTRAINT_VIOLATED" }), 422, "CONSTRAINT_VIOLATED"),
  row("conflict", () => new ConsistencyError("no"), 409, "CONFLICT"),
  row("gone", () => new ConsistencyError("no", { code: "GONE" }), 410, "GONE"),
  row("damaged", () => new ConsistencyError("no", { code: "DATA_CORRUPTED" }), 500, "DATA_CORRUPTED"),
  row("resource", () => new ResourceError("no"), 503, "SERVICE_UNAVAILABLE", "1"),
  row("resource, known wait", () => new ResourceError("no", { retryAfterMs: 2_001 }), 503, "SERVICE_UNAVAILABLE", "3"),
  row("resource, no wait", () => new ResourceError("no", { retryAfterMs: 0 }), 503, "SERVICE_UNAVAILABLE", "1"),
  row("resource, for good", () => new ResourceError("no", { isRecoverable: false }), 503, "SERVICE_UNAVAILABLE"),
  row("too many", () => new ResourceError("no", { code: "TOO_MANY_REQUESTS" }), 429, "TOO_MANY_REQUESTS", "1"),
  row("timeout", () => new OperationTimeoutError("no", { timeoutMs: 50 }), 504, "OPERATION_TIMED_OUT"),
  row("network", () => new NetworkError("no"), 502, "NETWORK_FAILED"),
  row("network, no effect", () => new NetworkError("no", { effect: "none" }), 503, "NETWORK_FAILED", "1"),
  row("network, known wait", () => new NetworkError("no", { retryAfterMs: 4_000 }), 503, "NETWORK_FAILED", "4"),
  row("system", () => new SystemError("no"), 500, "SERVER_FAILED"),
  row("a code that is none", () => new SystemError("no", { code: "user=root" }), 500, "SERVER_FAILED"),
  row(
    "wrapped",
    () => new Error("outer", { cause: new BusinessError("no", { code: "ORDER_CLOSED" }) }),
    400,
    "ORDER_CLOSED",
  ),
  // Policies.
  row(
    "rate",
    () =>
      rejectedBy(rateLimiter({ limits: { permits: 1, perMs: 5_000, algorithm: "tokenBucket" }, clock: newClock() })),
    429,
    "RATE_LIMITED",
    "5",
  ),
  row("breaker", () => brokenCircuit(newClock()), 503, "CIRCUIT_OPEN", "60"),
  row("bulkhead", () => rejectedBy(bulkhead({ maxConcurrent: 1, maxQueue: 0 })), 503, "BULKHEAD_FULL", "1"),
  row("policy's timeout", () => timedOut(newClock()), 504, "OPERATION_TIMED_OUT"),
  // Of the framework, or in its manner.
  row("status", () => foreign({ status: 404 }), 404, "NOT_FOUND"),
  row("statusCode", () => foreign({ statusCode: 415, code: "FST_ERR_X" }), 415, "UNSUPPORTED"),
  row("status 429", () => foreign({ statusCode: 429, headers: { "retry-after": "7" } }), 429, "TOO_MANY_REQUESTS", "7"),
  row("status 500", () => foreign({ statusCode: 500 }), 500, "SERVER_FAILED"),
  row("status 599", () => foreign({ status: 599 }), 500, "SERVER_FAILED"),
  row("status 200", () => foreign({ status: 200 }), 500, "SERVER_FAILED"),
  // Of other servers: what they refused is no fault of the client.
  row("unique violation", () => foreign({ code: "23505", severity: "ERROR" }), 409, "ALREADY_EXISTS"),
  row("database password", () => foreign({ code: "28P01", severity: "FATAL" }), 500, "SERVER_FAILED"),
  row("refused", () => foreign({ code: "ECONNREFUSED", syscall: "connect" }), 503, "SERVICE_UNAVAILABLE", "1"),
  row("reset", () => foreign({ code: "ECONNRESET", syscall: "read" }), 502, "BAD_GATEWAY"),
  row("upstream 401", () => foreign({ status: 401, response: { status: 401 } }), 500, "SERVER_FAILED"),
  row("upstream 404", () => foreign({ statusCode: 404, requestId: "r-1" }), 500, "SERVER_FAILED"),
  row(
    "upstream 429",
    () => foreign({ response: { status: 429, headers: new Headers({ "retry-after": "9" }) } }),
    503,
    "SERVICE_UNAVAILABLE",
    "9",
  ),
  row(
    "fetch adapter's 404",
    () =>
      new HttpStatusError({
        status: 404,
        method: "GET",
        url: "http://inside",
        headers: {},
        retryable: false,
        response: undefined,
      }),
    500,
    "SERVER_FAILED",
  ),
  row("classified", () => classify(foreign({ code: "28P01", severity: "FATAL" })), 500, "SERVER_FAILED"),
  row("disk full", () => foreign({ code: "ENOSPC", syscall: "write" }), 503, "SERVICE_UNAVAILABLE"),
  row("abort", () => new DOMException("inside", "AbortError"), 503, "SERVICE_UNAVAILABLE"),
  row("defect", () => new TypeError("x is not a function"), 500, "SERVER_FAILED"),
];

function row(what: string, error: () => unknown, status: number, code: string, retryAfter?: string): ProblemCase {
  return { what, error, status, code, ...(retryAfter === undefined ? {} : { retryAfter }) };
}

/** What the second of two calls at once is rejected with. */
async function rejectedBy(policy: Policy<unknown>): Promise<unknown> {
  const end = Promise.withResolvers<void>();
  const first = policy.execute(() => end.promise);
  const error: unknown = await policy.execute(() => end.promise).catch((reason: unknown) => reason);
  end.resolve();
  await first;
  return error;
}

async function brokenCircuit(clock: Clock): Promise<unknown> {
  const breaker = circuitBreaker({ window: { kind: "consecutive", failures: 1 }, clock });
  await breaker.execute(() => Promise.reject(new Error("x"))).catch(() => {});
  return breaker.execute(() => "not called").catch((reason: unknown) => reason);
}

async function timedOut(clock: TestClock): Promise<unknown> {
  const call = timeout({ timeoutMs: 50, clock })
    .execute(() => new Promise(() => {}))
    .catch((reason: unknown) => reason);
  await clock.advance(50);
  return call;
}
