import { describe, expect, it } from "vitest";
import { runSimulation } from "./run.ts";

describe("a seed", () => {
  it.each([3, 12, 40])("%i gives the same run twice, to the last event", async (seed) => {
    const first = await runSimulation({ seed });
    const second = await runSimulation({ seed });
    expect(first.violation).toBeUndefined();
    expect(first.steps).toBeGreaterThan(1_000);
    expect(second).toEqual(first);
  });

  it.each(["requests", "snapshots", "wakingLeaders", "witnesses", "compactions"] as const)(
    "does, with the focus %s",
    async (focus) => {
      const first = await runSimulation({ seed: 1, focus });
      expect(first.violation).toBeUndefined();
      expect(await runSimulation({ seed: 1, focus })).toEqual(first);
    },
  );

  it("gives another run than the next one", async () => {
    const [first, second] = [await runSimulation({ seed: 5 }), await runSimulation({ seed: 6 })];
    expect(first.traceHash).not.toBe(second.traceHash);
  });
});
