import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { circuitBreaker } from "./circuit-breaker.ts";
import { fallback } from "./fallback.ts";
import { hears, type PolicyEvent } from "./policy-event.ts";
import { pipeline } from "./pipeline.ts";
import { policyReader } from "./policy-reader.ts";
import { retry } from "./retry.ts";
import { standard } from "./presets.ts";
import { timeout } from "./timeout.ts";

describe("policyReader", () => {
  it("reads each policy of a pipeline, also of one in another, in its order", async () => {
    const clock = new VirtualClock();
    const breaker = circuitBreaker({ clock, name: "b", window: { kind: "consecutive", failures: 1 } });
    const read = policyReader(
      pipeline(fallback("none", { name: "f" }), pipeline(retry({ clock, maxAttempts: 1 }), breaker)),
    );
    const before = read();
    expect(before.map(({ kind, name, state }) => [kind, name, state])).toEqual([
      ["fallback", "f", null],
      ["retry", "retry", null],
      ["circuitBreaker", "b", "closed"],
    ]);
    expect(await breaker.execute(() => Promise.reject(new Error("no"))).catch(() => "failed")).toBe("failed");
    const [, , after] = read();
    expect(after).toMatchObject({
      state: "open",
      counts: { failures: 1, stateChanges: 1 },
      options: { state: "open" },
    });
    expect(after?.gauges).toMatchObject({ failureRate: 1, probing: 0 });
    expect(after?.gauges["remainingOpenMs"]).toBeGreaterThan(0);
    expect(before[2]?.state).toBe("closed");
  });

  it("tells alike ones apart, in the order they are given, and the parts of a preset", () => {
    const read = policyReader(standard({ name: "stock" }), timeout(), timeout());
    expect(read().map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "timeout stock",
      "retry stock",
      "circuitBreaker stock",
      "timeout stock 2",
      "bulkhead stock",
      "timeout timeout",
      "timeout timeout 2",
    ]);
  });

  it("reads a policy of another make as one without numbers", () => {
    const foreign = { execute: () => Promise.resolve(1), wrap: () => () => Promise.resolve(1) };
    expect(policyReader(foreign as never)()).toEqual([
      { kind: "policy", name: "policy", state: null, counts: {}, gauges: {}, options: {} },
    ]);
  });
});

describe("hears", () => {
  const wanting = (wants: unknown): ((event: PolicyEvent) => void) => Object.assign(() => {}, { wants });

  it.each([
    ["nobody", undefined, false],
    ["a plain listener", () => {}, true],
    ["one that wants the type", wanting((type: string) => type === "retry"), true],
    ["one that does not", wanting(() => false), false],
    ["one whose wants is no function", wanting(7), true],
    [
      "one whose wants throws",
      wanting(() => {
        throw new Error("broken");
      }),
      false,
    ],
  ])("asks %s", (_, listener, expected) => {
    expect(hears(listener, "retry")).toBe(expected);
  });
});
