import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { explain } from "./explain.ts";
import type { PolicyEvent } from "./policy-event.ts";
import { forCache, forDatabase, forExternalApi, presets, standard, type Preset } from "./presets.ts";

const all = { standard, forDatabase, forExternalApi, forCache };

describe("presets", () => {
  it.each(Object.entries(all))("%s succeeds with what succeeds, and no timer stays", async (_, make) => {
    const clock = new VirtualClock();
    expect(await make({ clock }).execute(() => "done")).toBe("done");
    await clock.advance(120_000);
    expect(clock.pending).toBe(0);
  });

  it.each(Object.entries(all))("%s is in an order that explain does not doubt", (_, make) => {
    const { policies, doubts } = explain(make());
    expect(policies.map(({ kind }) => kind)).toEqual(["timeout", "retry", "circuitBreaker", "timeout", "bulkhead"]);
    expect(doubts).toEqual([]);
  });

  it.each<[keyof typeof presets, (options: { clock: VirtualClock }) => Preset, number]>([
    ["standard", standard, 3],
    ["database", forDatabase, 2],
    ["externalApi", forExternalApi, 3],
    ["cache", forCache, 1],
  ])("%s calls what fails as often as it says, and opens when it says", async (name, make, attempts) => {
    const clock = new VirtualClock();
    const preset = make({ clock });
    const { failures, openMs } = presets[name];
    let calls = 0;
    const failing = (): Promise<never> => Promise.reject(new Error(`failure ${++calls}`));

    const first = preset.execute(failing).catch(() => calls);
    await clock.advance(1_000);
    expect(await first).toBe(attempts);
    for (let more = failures - attempts; more > 0; more -= attempts) {
      const result = preset.execute(failing).catch(() => undefined);
      await clock.advance(1_000);
      await result;
    }
    expect(preset.breaker.state).toBe("open");
    await expect(preset.execute(failing)).rejects.toMatchObject({ code: "CIRCUIT_OPEN" });
    expect(calls).toBe(failures);
    await clock.advance(openMs);
    expect(await preset.execute(() => "again")).toBe("again");
  });

  it("an attempt that hangs takes no longer than it may", async () => {
    const clock = new VirtualClock();
    const preset = forCache({ clock });
    const result = preset.execute(() => new Promise<never>(() => {}));
    const rejection = expect(result).rejects.toMatchObject({ cause: { code: "OPERATION_TIMED_OUT" } });
    await clock.advance(150);
    await rejection;
    // The breaker has seen a failure, and no abort from further out.
    expect(preset.breaker.metrics.totals.failures).toBe(1);
  });

  it("name and onEvent reach all parts", async () => {
    const events: PolicyEvent[] = [];
    const clock = new VirtualClock();
    const preset = forDatabase({ name: "orders", clock, onEvent: (event) => void events.push(event) });
    const result = preset.execute(() => Promise.reject(new Error("down"))).catch(() => undefined);
    await clock.advance(1_000);
    await result;
    expect(events.map(({ type }) => type)).toEqual(["retry", "retriesExhausted"]);
    expect(new Set(events.map(({ policy }) => policy))).toEqual(new Set(["orders"]));
  });

  it("refuses options that it does not have", () => {
    expect(() => standard({ maxAttempts: 4 } as never)).toThrow("preset.maxAttempts is no option");
  });
});
