import type { ErrorKind } from "./holdfast-error.ts";

/** What to do before errors of a kind come. */
export const preventions: Readonly<Record<ErrorKind, string>> = {
  network:
    "send calls to other instances, retry with backoff under a budget, and let a circuit breaker keep calls away",
  timeout: "shed load that can wait, limit concurrency by latency, and answer from a cache or a fallback",
  consistency: "serialise the writers, or shorten the time between reading and writing",
  resource: "limit the rate, free or add capacity, and turn away low priorities first",
  business: "look at what changed in the requests or the rules: waiting does not help",
  system: "call somebody: look at disk, memory and the last deployment before it happens",
};
