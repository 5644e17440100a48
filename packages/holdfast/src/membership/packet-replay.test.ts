import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { ReplayGuard } from "./packet-replay.ts";

const guard = (maxSessions: number = 4): ReplayGuard => new ReplayGuard({ maxClockSkewMs: 1000, maxSessions });

describe("ReplayGuard", () => {
  it("admits each number of the last 4 096 once, whatever the order", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3000), { maxLength: 300 }), fc.constantFrom(0, 1e6, 2 ** 40), (numbers, base) => {
        const replays = guard();
        const seen = new Set<number>();
        for (const number of numbers) {
          expect(replays.admit(1n, base + number, 0, 0)).toBe(seen.has(number) ? "replayed" : "new");
          seen.add(number);
        }
      }),
    );
  });

  it("refuses what has fallen out of the window, and forgets nothing within it after a leap", () => {
    const replays = guard();
    const admit = (number: number): string => replays.admit(1n, number, 0, 0);
    expect([5, 5000, 5, 4999, 4999].map(admit)).toEqual(["new", "new", "replayed", "new", "replayed"]);
    // 5 000 lies in word 156, so words 29 to 156 are remembered: from 928 on.
    expect([928, 927, 928].map(admit)).toEqual(["new", "replayed", "replayed"]);
    expect([1e9, 5000, 1e9 - 4000, 1e9 - 4000].map(admit)).toEqual(["new", "replayed", "new", "replayed"]);
  });

  it("does not let back in a session that it forgot", () => {
    const replays = guard(2);
    expect(replays.admit(1n, 1, 100, 100)).toBe("new");
    expect(replays.admit(2n, 1, 200, 200)).toBe("new");
    expect(replays.admit(3n, 1, 300, 300)).toBe("new");
    expect(replays.size).toBe(2);
    expect(replays.admit(1n, 1, 100, 300)).toBe("stale");
    expect(replays.admit(2n, 1, 200, 300)).toBe("replayed");
    expect(replays.admit(4n, 1, 301, 301)).toBe("new");
  });
});
