import type { Clock } from "../runtime/system.ts";
import type { ErrorShape } from "./error-shape.ts";
import { parseRetryAfter } from "./parse-retry-after.ts";

/**
 * How long the other side asks to wait: `retryAfterMs`, the `Retry-After` header of the error or its response (RFC 9110,
 * 10.2.3), or gRPC's `grpc-retry-pushback-ms` (gRFC A6).
 *
 * @returns milliseconds >= 0; undefined when it does not say
 */
export function retryHint(error: ErrorShape, clock: Pick<Clock, "wallTime">): number | undefined {
  const own = error.number("retryAfterMs");
  if (own !== undefined) return own >= 0 ? own : undefined;
  const pushback = header(error.child("metadata"), "grpc-retry-pushback-ms");
  if (pushback !== undefined && /^\d{1,15}$/.test(pushback)) return Number(pushback);
  const text =
    header(error.child("headers"), "retry-after") ??
    header(error.child("response").child("headers"), "retry-after") ??
    header(error.child("$response").child("headers"), "retry-after");
  return text === undefined ? undefined : parseRetryAfter(text.trim(), clock);
}

/** Of a fetch response, of Node's plain headers, or of gRPC's metadata, whose `get` gives a list. */
function header(headers: ErrorShape, name: string): string | undefined {
  if (!headers.isObject) return undefined;
  let value: unknown;
  if (typeof headers.get("get") === "function") {
    try {
      value = (headers.value as { get(name: string): unknown }).get(name);
    } catch {
      return undefined;
    }
  } else value = headers.get(name);
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" && first.length < 100 ? first : undefined;
}
