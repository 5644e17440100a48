import { createClassifier, ErrorShape, HoldfastError, type AnyFailure } from "../../errors/index.ts";
import { isRejection } from "../../resilience/index.ts";

/** What a client is told of a failure. */
export interface Told {
  readonly status: number;
  readonly code: string;
  /** Where a message for the client would be. */
  readonly source: ErrorShape;
}

/** Whoever threw it. */
const statuses: Readonly<Record<string, number>> = {
  CANCELLED: 503,
  CONSTRAINT_VIOLATED: 422,
  DATA_CORRUPTED: 500,
  FOREIGN_DIRECTORY: 500,
  LOG_CORRUPT: 500,
  RATE_LIMITED: 429,
};

/** Of failures that the program itself made: then they are about the client's request. */
const ownStatuses: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  GONE: 410,
  PAYLOAD_TOO_LARGE: 413,
  TOO_MANY_REQUESTS: 429,
};

/** What tells the errors of HTTP clients from those of the framework: both have a status. */
const marksOfClients = ["response", "request", "config", "meta", "raw", "$metadata", "$response"];
const requestIds = ["requestId", "requestID", "request_id"];

/**
 * Status and code for the client. A refusal is the client's concern only when the program or the framework made it: that a
 * database or another service refused what the program asked of it is a fault of the server.
 */
export function toldOf(error: unknown, failure: AnyFailure, chosen: ReadonlyMap<string, number>): Told {
  const thrown = new ErrorShape(error);
  const own = ownFailureIn(thrown, failure);
  const asked = askedStatus(thrown, own?.value === error);
  const status = chosen.get(failure.code) ?? asked ?? tableStatus(failure, own !== undefined);
  const source = own ?? thrown;
  // The framework's own codes, and Node's, are no part of the service's interface.
  const known = own !== undefined || (asked === undefined && (status < 500 || isRejection(failure)));
  const code = known || chosen.has(failure.code) ? failure.code : undefined;
  return { status, code: code !== undefined && isPlain(code) ? code : codeOfStatus(status), source };
}

function tableStatus(failure: AnyFailure, isOwn: boolean): number {
  const status = (isOwn ? own(ownStatuses, failure.code) : undefined) ?? own(statuses, failure.code);
  if (status !== undefined) return status;
  switch (failure.kind) {
    case "business":
      return isOwn ? 400 : 500;
    case "consistency":
      return 409;
    case "resource":
      return 503;
    case "timeout":
      return 504;
    case "network":
      // Nothing has happened yet and it may soon work: come again. Else there is no telling what the other side did.
      return failure.retryAfterMs !== undefined || (failure.retryable && failure.effect === "none") ? 503 : 502;
    default:
      return 500;
  }
}

/** Of the framework, or of the program in its manner: `Object.assign(new Error(), { status: 404 })`. */
function askedStatus(thrown: ErrorShape, isOwn: boolean): number | undefined {
  const status = thrown.number("status") ?? thrown.number("statusCode");
  if (status === undefined || !Number.isInteger(status) || status < 400 || status > 499) return undefined;
  if (isHoldfast(thrown.value)) return isOwn ? status : undefined;
  const isClients =
    marksOfClients.some((mark) => thrown.child(mark).isObject) ||
    requestIds.some((id) => thrown.text(id) !== undefined) ||
    typeof thrown.child("headers").get("get") === "function" ||
    thrown.text("code")?.startsWith("UND_ERR") === true;
  return isClients ? undefined : status;
}

/** The failure that the program made itself and that decided: what was thrown, or a cause of it. `classify` sets `rule`. */
function ownFailureIn(thrown: ErrorShape, failure: AnyFailure): ErrorShape | undefined {
  if (failure.rule === undefined) return failure === thrown.value ? thrown : undefined;
  if (!failure.rule.startsWith("holdfast ")) return undefined;
  let shape = thrown;
  for (let depth = 0; depth < 8 && shape.isObject; depth++) {
    const isFailure = isHoldfast(shape.value) && shape.text("effect") !== undefined && shape.child("context").isObject;
    if (isFailure && shape.text("code") === failure.code && shape.get("rule") === undefined) return shape;
    shape = shape.child("cause");
  }
  return undefined;
}

/** The code that the tables of `classify` have for a status: the same whichever framework said it. */
export function codeOfStatus(status: number): string {
  let code = codes.get(status);
  if (code === undefined) {
    code = classifyStatus({ status }).code;
    codes.set(status, code);
  }
  return code;
}

const classifyStatus = createClassifier();

/** Of the 200 statuses that there can be. */
const codes = new Map<number, string>();

/** A code is for programs: nothing else goes out as one. */
function isPlain(code: string): boolean {
  return /^[A-Z][A-Z0-9_]{0,63}$/.test(code);
}

function own(table: Readonly<Record<string, number>>, code: string): number | undefined {
  return Object.hasOwn(table, code) ? table[code] : undefined;
}

function isHoldfast(value: unknown): value is HoldfastError {
  try {
    return HoldfastError.is(value);
  } catch {
    // A proxy.
    return false;
  }
}
