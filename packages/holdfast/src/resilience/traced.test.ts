import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { createTracer, type FinishedSpan } from "../telemetry/index.ts";
import { bulkhead } from "./bulkhead.ts";
import { circuitBreaker } from "./circuit-breaker.ts";
import { constantBackoff } from "./backoff.ts";
import { hedge } from "./hedge.ts";
import { pipeline } from "./pipeline.ts";
import { retry } from "./retry.ts";
import { timeout } from "./timeout.ts";
import { traced } from "./traced.ts";

function scene() {
  const clock = new VirtualClock();
  const spans: FinishedSpan[] = [];
  const tracer = createTracer({ clock, sinks: [{ write: (span) => void spans.push(span) }] });
  const named = (name: string): FinishedSpan[] => spans.filter((span) => span.name === name);
  return { clock, spans, tracer, named };
}

describe("traced", () => {
  it("gives the call a span, and each try one in it, in which the operation runs", async () => {
    const { clock, tracer, named } = scene();
    const policy = pipeline(
      traced({ tracer, name: "call" }),
      retry({ clock, backoff: constantBackoff(100), jitter: "none" }),
      traced({ tracer, name: "try", kind: "client" }),
    );
    const seen: (string | undefined)[] = [];
    const result = tracer.inSpan("request", () =>
      policy.execute(async ({ attempt }) => {
        seen.push(tracer.current()?.spanId);
        await clock.sleep(10);
        seen.push(tracer.current()?.spanId);
        if (attempt < 3) throw Object.assign(new Error("reset"), { code: "ECONNRESET" });
        return "stock";
      }),
    );
    await clock.advance(1_000);
    expect(await result).toBe("stock");
    const [request] = named("request");
    const [call] = named("call");
    const tries = named("try");
    expect(call).toMatchObject({ parentSpanId: request?.spanId, durationMs: 230, status: { code: "unset" } });
    expect(tries.map(({ parentSpanId }) => parentSpanId)).toEqual(Array(3).fill(call?.spanId));
    expect(tries.map(({ attributes }) => attributes["holdfast.attempt"])).toEqual([1, 2, 3]);
    expect(tries.map(({ status }) => status.code)).toEqual(["error", "error", "unset"]);
    expect(tries[0]).toMatchObject({ kind: "client", durationMs: 10, attributes: { "error.type": "ECONNRESET" } });
    expect(new Set([request, call, ...tries].map((span) => span?.traceId)).size).toBe(1);
    expect(seen).toEqual(tries.flatMap(({ spanId }) => [spanId, spanId]));
  });

  it("keeps the spans of calls apart whose hedges one shared timer begins", async () => {
    const { clock, tracer, named } = scene();
    const policy = pipeline(
      traced({ tracer, name: "call" }),
      hedge({ clock, delayMs: 50 }),
      traced({ tracer, name: "try" }),
    );
    const seen = new Map<string, Set<string | undefined>>();
    const calls = ["a", "b", "c"].map((which) =>
      tracer.inSpan(which, () =>
        policy.execute(async () => {
          seen.set(which, (seen.get(which) ?? new Set()).add(tracer.current()?.traceId));
          await clock.sleep(120);
        }),
      ),
    );
    await clock.advance(500);
    await Promise.all(calls);
    for (const which of ["a", "b", "c"]) {
      const [root] = named(which);
      expect([...(seen.get(which) ?? [])]).toEqual([root?.traceId]);
      const tries = named("try").filter(({ traceId }) => traceId === root?.traceId);
      expect(
        tries.map(({ attributes }) => attributes["holdfast.attempt"]).filter((attempt) => attempt === 1),
      ).toHaveLength(1);
      expect(tries).toHaveLength(2);
      expect(tries.filter(({ events }) => events.some(({ name }) => name === "abandoned"))).toHaveLength(1);
    }
  });

  it("leaves a bulkhead its hold on what was given up", async () => {
    const { clock, tracer, named } = scene();
    const places = bulkhead({ maxConcurrent: 1, holdUntilSettled: true, clock });
    const policy = pipeline(
      traced({ tracer, name: "call" }),
      places,
      traced({ tracer, name: "held" }),
      timeout({ timeoutMs: 20, clock }),
    );
    const slow = policy.execute(() => clock.sleep(100)).catch((error: unknown) => error);
    const next = policy.execute(() => tracer.current()?.spanId);
    await clock.advance(50);
    expect(await slow).toMatchObject({ code: "OPERATION_TIMED_OUT" });
    expect(places.metrics).toMatchObject({ active: 1, waiting: 1 });
    await clock.advance(100);
    const [, second] = named("held");
    expect(await next).toBe(second?.spanId);
    expect(named("call").map(({ durationMs }) => durationMs)).toEqual([20, 100]);
    expect(named("held")[0]).toMatchObject({
      status: { code: "error" },
      attributes: { "error.type": "OPERATION_TIMED_OUT" },
    });
  });

  it("has a policy's own refusals as the call's failure", async () => {
    const { clock, tracer, named } = scene();
    const breaker = circuitBreaker({ clock, initialState: "forcedOpen" });
    const policy = pipeline(traced({ tracer, name: "call" }), breaker, traced({ tracer, name: "try" }));
    await expect(policy.execute(() => 1)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
    expect(named("call")[0]?.attributes["error.type"]).toBe("CIRCUIT_OPEN");
    expect(named("try")).toEqual([]);
  });

  it("nests pipelines that are called inside operations", async () => {
    const { tracer, named } = scene();
    const inner = traced({ tracer, name: "inner" });
    const outer = traced({ tracer, name: "outer" });
    await outer.execute(() => inner.execute(() => tracer.current()?.addEvent("here")));
    const [parent] = named("outer");
    expect(named("inner")[0]).toMatchObject({ parentSpanId: parent?.spanId, events: [{ name: "here" }] });
  });

  it.each([
    [{ name: "x" }, "traced.tracer must have startSpan and run"],
    [{ tracer: createTracer(), name: "" }, "traced.name must be 1 to 256 characters"],
    [{ tracer: createTracer(), name: "x", kind: "server" }, "traced.kind must be"],
    [{ tracer: createTracer(), name: "x", color: 1 }, "traced.color"],
  ])("refuses %o", (options, message) => {
    expect(() => traced(options as never)).toThrow(message);
  });
});
