import { asyncProperty, assert, array, boolean, constantFrom, integer, record, subarray } from "fast-check";
import { describe, expect, it } from "vitest";
import { asyncContext } from "../runtime/system.ts";
import { createTracer, type FinishedSpan } from "../telemetry/index.ts";
import { VirtualClock } from "../testing/index.ts";
import { constantBackoff } from "./backoff.ts";
import { bulkhead } from "./bulkhead.ts";
import { hedge } from "./hedge.ts";
import { pipeline } from "./pipeline.ts";
import type { Policy } from "./policy.ts";
import { rateLimiter } from "./rate-limiter.ts";
import { retry } from "./retry.ts";
import { tieredTimeout } from "./tiered-timeout.ts";
import { timeout } from "./timeout.ts";
import { traced } from "./traced.ts";

const layers = ["rateLimiter", "bulkhead", "timeout", "retry", "hedge"] as const;

function policies(clock: VirtualClock): Record<(typeof layers)[number], Policy> {
  return {
    rateLimiter: rateLimiter({ limits: { permits: 2, perMs: 30 }, maxWaitMs: 10_000, maxWaiting: 100, clock }),
    bulkhead: bulkhead({ maxConcurrent: 2, maxQueue: 100, maxWaitMs: 10_000, clock }),
    timeout: timeout({ timeoutMs: 60, clock }),
    retry: retry({ maxAttempts: 4, backoff: constantBackoff(25), jitter: "none", clock }),
    hedge: hedge({ delayMs: 20, maxHedges: 2, clock }),
  };
}

const calls = array(
  record({
    startMs: integer({ min: 0, max: 40 }),
    fails: integer({ min: 0, max: 2 }),
    takesMs: integer({ min: 0, max: 90 }),
  }),
  { minLength: 2, maxLength: 8 },
);

describe("an attempt", () => {
  it("belongs to its own call, whatever else a timer or another call's end begins", async () => {
    let later = 0;
    await assert(
      asyncProperty(
        subarray([...layers], { minLength: 1 }),
        calls,
        constantFrom("none", "outer", "both"),
        boolean(),
        async (used, plans, spanned, reverse) => {
          const clock = new VirtualClock();
          const spans: FinishedSpan[] = [];
          const tracer = createTracer({ clock, sinks: [{ write: (span) => void spans.push(span) }] });
          const request = asyncContext<number>();
          const made = policies(clock);
          const inner = (reverse ? used.toReversed() : used).map((layer) => made[layer]);
          const policy = pipeline(
            ...(spanned === "none" ? [] : [traced({ tracer, name: "call" })]),
            ...inner,
            ...(spanned === "both" ? [traced({ tracer, name: "try" })] : []),
          );
          const wrong: string[] = [];
          const parents: (readonly [call: number, spanId: string | undefined])[] = [];
          const look = (call: number): void => {
            if (request.current() !== call) wrong.push(`${call} runs as ${request.current()}`);
            parents.push([call, tracer.current()?.spanId]);
          };
          const one = async (call: number, { startMs, fails, takesMs }: (typeof plans)[number]): Promise<unknown> => {
            await clock.sleep(startMs);
            let tries = 0;
            const operation = async (): Promise<void> => {
              const attempt = ++tries;
              if (attempt > 1) later++;
              look(call);
              await clock.sleep(takesMs);
              look(call);
              if (attempt <= fails) throw Object.assign(new Error("reset"), { code: "ECONNRESET" });
            };
            const work = (): Promise<unknown> => policy.execute(operation).catch((error: unknown) => error);
            return request.run(call, () => tracer.inSpan(`request ${call}`, work));
          };
          const all = Promise.all(plans.map((plan, call) => one(call, plan)));
          await clock.advance(20_000);
          await all;
          expect(wrong).toEqual([]);
          const traceOf = new Map(spans.map(({ spanId, traceId }) => [spanId, traceId]));
          const roots = new Map(
            spans.filter(({ name }) => name.startsWith("request")).map((span) => [span.name, span]),
          );
          for (const [call, spanId] of parents) {
            expect(traceOf.get(spanId ?? "")).toBe(roots.get(`request ${call}`)?.traceId);
          }
          const names = new Set(parents.map(([, spanId]) => spans.find((span) => span.spanId === spanId)?.name));
          const innermost = { none: /^request/, outer: /^call$/, both: /^try$/ }[spanned];
          for (const name of names) expect(name).toMatch(innermost);
        },
      ),
      { numRuns: 150 },
    );
    expect(later).toBeGreaterThan(100);
  });

  it("from the queue of calls that ran out of time is still its own call's", async () => {
    const clock = new VirtualClock();
    const request = asyncContext<string>();
    const fallback = { strategy: "queueAndRetry", delayMs: 50 } as const;
    const tiers = { slow: { timeoutMs: 10, retries: 0, multiplier: 1, fallback } };
    const limits = tieredTimeout({ tiers, clock });
    const seen: string[] = [];
    const call = (name: string): Promise<unknown> => {
      let tries = 0;
      return request.run(name, () =>
        limits.execute("slow", async () => {
          seen.push(`${name} as ${request.current()}`);
          if (tries++ === 0) await clock.sleep(1_000);
        }),
      );
    };
    const both = Promise.all([call("a"), call("b")]);
    await clock.advance(5_000);
    await both;
    expect(seen.toSorted()).toEqual(["a as a", "a as a", "b as b", "b as b"]);
  });
});
