import { describe, expect, it } from "vitest";
import { measureScale, measureSlowness, type ScaleResult } from "./experiments.ts";

const seeds = [1, 2, 3] as const;

describe("growth of a cluster from 10 to 400 members", () => {
  it.each([0, 0.1])("with a loss of %f leaves detection and load as they are", (loss) => {
    const results = new Map<number, ScaleResult[]>();
    for (const size of [10, 50, 400]) {
      const some = size === 400 ? [1] : seeds;
      results.set(
        size,
        some.map((seed) => measureScale({ size, seed, loss, quietMs: 5_000 })),
      );
    }
    for (const [size, runs] of results) {
      for (const run of runs) {
        expect(run.falsePositives).toBe(0);
        // A probe period, or a few for a small cluster in which somebody else was being probed.
        expect(run.firstSuspectMs).toBeLessThan(8_000);
        expect(run.packetsPerSecond).toBeLessThan(loss === 0 ? 2.5 : 8);
        // Rounds of gossip: logarithmic, with a margin for loss.
        expect(run.joinMs / 200).toBeLessThan(1 + Math.log2(size));
        // Whom gossip misses, in a network that loses packets, comes to the verdict by its own timer.
        expect(run.allFailedMs - run.firstFailedMs).toBeLessThan(loss === 0 ? 1_000 : 4_000);
      }
    }
  });
});

describe("Lifeguard's experiment", () => {
  it.each([4, 16])("with %i slow members of 128 accuses 50 times fewer healthy ones, as fast", (slow) => {
    const options = {
      size: 128,
      seed: 1,
      slow,
      slowMs: 16_000,
      restMs: 4_000,
      durationMs: 60_000,
      manner: "slow",
    } as const;
    const plain = measureSlowness({ ...options, swim: { lifeguard: false, stallAware: false } });
    const ours = measureSlowness(options);
    expect(plain.episodes).toBeGreaterThan(slow);
    expect(ours.episodes).toBe(plain.episodes);
    expect(plain.falseAtHealthy).toBeGreaterThan(500);
    expect(ours.falseAtHealthy * 50).toBeLessThan(plain.falseAtHealthy);
    expect(ours.firstFailedMs).toBeLessThan(1.25 * plain.firstFailedMs);
  });
});
