import type { Metadata } from "@grpc/grpc-js";

/**
 * What the server says about another try, by its trailer `grpc-retry-pushback-ms` (gRFC A6, "Pushback"): milliseconds to
 * wait, or "never" for a negative number and anything that is no number; undefined when it says nothing.
 */
export function pushbackOf(trailers: Metadata): number | "never" | undefined {
  const [value] = trailers.get("grpc-retry-pushback-ms");
  if (value === undefined) return undefined;
  return typeof value === "string" && /^\d{1,10}$/.test(value) ? Number(value) : "never";
}
