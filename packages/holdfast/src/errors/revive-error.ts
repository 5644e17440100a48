import { errorJsonBounds, isArray, items } from "./error-json.ts";
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
  type ConflictResolution,
} from "./failure-kinds.ts";

/**
 * Makes an error again of what `serializeError` or an error's `toJSON()` wrote: one of the six kinds when a `kind` is
 * there, else an `AggregateError` or plain `Error`. Never throws: what is no such document becomes an error that says so.
 */
export function reviveError(json: unknown): Error {
  return revive(new ErrorShape(json), 0);
}

const kinds = ["network", "timeout", "consistency", "resource", "business", "system"];

function revive(shape: ErrorShape, depth: number): Error {
  const kind = shape.text("kind") ?? "";
  const cause = nested(shape.get("cause"), depth + 1);
  const errors = shape.get("errors");
  const inner = isArray(errors) ? items(errors).map((item) => nested(item, depth + 1)) : undefined;
  const error = kinds.includes(kind)
    ? reviveKind(shape, kind as AnyFailure["kind"], cause)
    : plain(shape, cause, inner);
  const set = (key: string, value: unknown): void => {
    Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: key !== "name" });
  };
  const name = shape.text("name");
  if (name !== undefined && name !== error.name) set("name", name);
  if (inner !== undefined && !("errors" in error)) set("errors", inner);
  const stack = shape.text("stack");
  // A stack of here would point to where it was revived.
  Object.defineProperty(error, "stack", {
    value: stack ?? `${error.name}: ${error.message}`,
    writable: true,
    configurable: true,
  });
  return error;
}

function nested(value: unknown, depth: number): unknown {
  const shape = new ErrorShape(value);
  if (!shape.isObject) return value;
  if (depth > errorJsonBounds.depth) return new Error("nested too deep");
  return revive(shape, depth);
}

function plain(shape: ErrorShape, cause: unknown, errors: readonly unknown[] | undefined): Error {
  const options = cause === undefined ? undefined : { cause };
  const error =
    errors === undefined ? new Error(shape.message, options) : new AggregateError(errors, shape.message, options);
  for (const key of ["code", "errno", "syscall", "address", "port", "hostname", "status", "statusCode"]) {
    const value = shape.text(key) ?? shape.number(key);
    if (value !== undefined) Object.defineProperty(error, key, { value, enumerable: true });
  }
  return error;
}

function reviveKind(shape: ErrorShape, kind: AnyFailure["kind"], cause: unknown): AnyFailure {
  const code = shape.text("code");
  const rule = shape.text("rule");
  const options: FailureOptions = {
    ...(code === undefined ? {} : { code }),
    ...(rule === undefined ? {} : { rule }),
    ...(cause === undefined ? {} : { cause }),
    transient: shape.get("retryable") === true,
    effect: shape.text("effect") === "none" ? "none" : "unknown",
    context: contextOf(shape.get("context")),
  };
  const retryAfterMs = shape.number("retryAfterMs");
  const after = retryAfterMs === undefined ? {} : { retryAfterMs };
  switch (kind) {
    case "network":
      return new NetworkError(shape.message, { ...options, ...after });
    case "timeout": {
      const timeoutMs = shape.number("timeoutMs");
      return new OperationTimeoutError(shape.message, {
        ...options,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        operation: shape.text("operation") ?? "",
        retryCount: shape.number("retryCount") ?? 0,
      });
    }
    case "consistency":
      return new ConsistencyError(shape.message, {
        ...options,
        expectedState: shape.get("expectedState"),
        actualState: shape.get("actualState"),
        conflictResolution: resolutionOf(shape.text("conflictResolution")),
      });
    case "resource": {
      const resourceId = shape.text("resourceId");
      return new ResourceError(shape.message, {
        ...options,
        ...after,
        ...(resourceId === undefined ? {} : { resourceId }),
        resourceType: shape.text("resourceType") ?? "",
      });
    }
    case "business":
      return new BusinessError(shape.message, options);
    default: {
      const details = shape.text("details");
      return new SystemError(shape.message, {
        ...options,
        ...(details === undefined ? {} : { details }),
        component: shape.text("component") ?? "",
        timestamp: shape.number("timestamp") ?? 0,
      });
    }
  }
}

const resolutions: readonly ConflictResolution[] = ["last-writer-wins", "first-writer-wins", "merge", "manual"];

function resolutionOf(text: string | undefined): ConflictResolution {
  return resolutions.find((resolution) => resolution === text) ?? "manual";
}

function contextOf(value: unknown): ErrorContext {
  const context: Record<string, string | number | boolean> = {};
  const shape = new ErrorShape(value);
  if (!shape.isObject || isArray(value)) return context;
  for (const key of Object.keys(value as object).slice(0, errorJsonBounds.members)) {
    const member = shape.text(key) ?? shape.number(key) ?? shape.get(key);
    if (typeof member === "object" || member === undefined) continue;
    Object.defineProperty(context, key, { value: member, enumerable: true });
  }
  return context;
}
