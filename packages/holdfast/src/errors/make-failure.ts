import type { Clock } from "../runtime/system.ts";
import type { Verdict } from "./classifier.ts";
import { ErrorShape } from "./error-shape.ts";
import type { ErrorContext, FailureOptions } from "./failure.ts";
import {
  BusinessError,
  ConsistencyError,
  NetworkError,
  OperationTimeoutError,
  ResourceError,
  SystemError,
  type AnyFailure,
} from "./failure-kinds.ts";
import { problemDetail } from "./problem-detail.ts";
import { retryHint } from "./retry-hint.ts";

/** What the caller knows of the call that failed. */
export interface CallFacts {
  /** Its name. Default: not known. */
  readonly operation?: string;
  /** The time it had. Default: what the error says. */
  readonly timeoutMs?: number;
  /** How often it had been repeated before: an integer >= 0. Default 0. */
  readonly retryCount?: number;
  /** Facts for logs, added to those of the error. Default none. */
  readonly context?: ErrorContext;
}

/** Which facts of an error are kept as context: what it concerns, and nothing that may be a payload or a secret. */
const facts = [
  ["syscall", "syscall"],
  ["address", "address"],
  ["port", "port"],
  ["host", "host"],
  ["hostname", "hostname"],
  ["broker", "broker"],
  ["table", "table"],
  ["constraint", "constraint"],
  ["column", "column"],
  ["$service", "service"],
] as const;

/** Makes the error of the verdict's kind, with what was thrown as its cause. */
export function makeFailure(
  verdict: Verdict,
  thrown: ErrorShape,
  call: CallFacts,
  clock: Pick<Clock, "wallTime">,
): AnyFailure {
  const { code, meaning, system, rule, shape } = verdict;
  const [kind, transient, effect] = meaning;
  const message = messageOf(thrown, shape);
  const options: FailureOptions = {
    code,
    effect,
    transient,
    cause: thrown.value,
    context: contextOf(shape, call),
    ...(rule === undefined ? {} : { rule }),
  };
  const retryAfterMs = retryHint(shape, clock) ?? retryHint(thrown, clock);
  const after = retryAfterMs === undefined ? {} : { retryAfterMs };
  switch (kind) {
    case "network":
      return new NetworkError(message, { ...options, ...after });
    case "timeout": {
      const timeoutMs =
        call.timeoutMs ?? shape.number("timeoutMs") ?? shape.number("timeout") ?? readTime(shape.message);
      return new OperationTimeoutError(message, {
        ...options,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(call.retryCount === undefined ? {} : { retryCount: call.retryCount }),
        operation: call.operation ?? shape.text("operation") ?? "",
      });
    }
    case "consistency":
      return new ConsistencyError(message, options);
    case "resource": {
      const resourceId = shape.text("table") ?? placeOf(shape);
      return new ResourceError(message, {
        ...options,
        ...after,
        ...(resourceId === undefined ? {} : { resourceId }),
        resourceType: system,
      });
    }
    case "business":
      return new BusinessError(message, options);
    default:
      return new SystemError(message, { ...options, component: system, clock });
  }
}

/** The thrown error's, and that of the known one inside, if it says more; or a problem document's (RFC 9457). */
function messageOf(thrown: ErrorShape, shape: ErrorShape): string {
  const problem = problemDetail(shape);
  const outer = thrown.message;
  const inner = problem ?? shape.message;
  if (inner === "" || outer.includes(inner)) return outer;
  return outer === "" ? inner : new ErrorShape({ message: `${outer}: ${inner}` }).message;
}

function contextOf(shape: ErrorShape, { operation, context }: CallFacts): ErrorContext {
  const found: Record<string, string | number | boolean> = {};
  for (const [from, to] of facts) {
    const value = shape.text(from) ?? shape.number(from);
    if (value !== undefined && value !== "") found[to] = value;
  }
  const status = shape.number("status") ?? shape.number("statusCode");
  if (status !== undefined) found["status"] = status;
  return { ...found, ...(operation === undefined ? {} : { operation }), ...context };
}

function placeOf(shape: ErrorShape): string | undefined {
  const host = shape.text("address") ?? shape.text("host");
  const port = shape.number("port");
  return host === undefined ? undefined : port === undefined ? host : `${host}:${port}`;
}

/** Of messages such as `timed out after 50 milliseconds`. */
function readTime(message: string): number | undefined {
  const [, text] = /\b(\d{1,9}) ?(?:ms|milliseconds)\b/.exec(message) ?? [];
  return text === undefined ? undefined : Number(text);
}
