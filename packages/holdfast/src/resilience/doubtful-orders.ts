import type { PolicyDescription } from "./policy-description.ts";

/** Two policies of a pipeline, and what stands after both. */
interface Place {
  readonly outer: PolicyDescription;
  readonly inner: PolicyDescription;
  readonly after: readonly PolicyDescription[];
}

interface DoubtfulOrder {
  readonly outer: readonly string[];
  readonly inner: readonly string[];
  readonly when?: (place: Place) => boolean;
  readonly reason: string;
}

const timeouts: readonly string[] = ["timeout", "adaptiveTimeout", "tieredTimeout"];
const admissions: readonly string[] = ["bulkhead", "concurrencyLimiter"];

const fallbacks: readonly string[] = ["fallback", "fallbackChain"];

/** What `explain` doubts, by the kinds of the outer and the inner policy. */
export const doubtfulOrders: readonly DoubtfulOrder[] = [
  {
    outer: admissions,
    inner: ["retry"],
    reason: "a permit is held while the retry only waits for its next attempt; put the retry outside",
  },
  {
    outer: ["bulkhead"],
    inner: timeouts,
    when: ({ outer, inner }) =>
      inner.options?.["mode"] !== "cooperative" && outer.options?.["holdUntilSettled"] !== true,
    reason:
      "an operation that a timeout gave up may go on without its permit; put the bulkhead inside, or let it holdUntilSettled",
  },
  {
    outer: timeouts,
    inner: ["retry"],
    when: ({ after }) => !after.some(({ kind }) => timeouts.includes(kind)),
    reason: "one attempt that hangs uses up the time of all; put a shorter timeout inside the retry too",
  },
  {
    outer: timeouts,
    inner: ["timeout"],
    when: ({ outer, inner }) => Number(inner.options?.["timeoutMs"]) >= Number(outer.options?.["timeoutMs"]),
    reason: "the outer limit always passes first; make the inner one shorter",
  },
  {
    outer: ["retry"],
    inner: ["retry"],
    reason: "the attempts multiply, most when the service can bear it least; retry in one place",
  },
  {
    outer: ["hedge"],
    inner: ["retry"],
    reason: "each hedge retries by itself, so the calls multiply; put the hedge inside the retry",
  },
  {
    outer: ["circuitBreaker"],
    inner: fallbacks,
    reason: "the breaker sees the fallback's answers as successes and never opens; put the fallback outside",
  },
  {
    outer: ["retry", "hedge"],
    inner: fallbacks,
    reason: "what fails is answered before it could be tried again; put the fallback outside",
  },
  {
    outer: [...timeouts, ...admissions, "rateLimiter", "throttle"],
    inner: fallbacks,
    reason: "it does not answer the outer policy's own rejections; put the fallback outside",
  },
  {
    outer: ["circuitBreaker", "throttle"],
    inner: ["cache"],
    reason: "answers from the cache count as successes of the service; put the cache outside",
  },
  {
    outer: ["rateLimiter"],
    inner: ["retry", "hedge"],
    reason: "further attempts are not counted, so the rate is exceeded when calls fail; put the limiter inside",
  },
];
