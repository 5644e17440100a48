import { expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { ActiveFault } from "./active-fault.ts";
import { checkFault } from "./check-fault.ts";
import { drawWait } from "./drawn-latency.ts";

const draws = 20_000;

it.each<[Record<string, number | string>, { least: number; most: number; mean: number; deviation: number }]>([
  [{ delayMs: 7 }, { least: 7, most: 7, mean: 7, deviation: 0 }],
  [
    { delayMs: 5, jitterMs: 10 },
    { least: 5, most: Infinity, mean: 15, deviation: 10 },
  ],
  [
    { distribution: "uniform", minMs: 10, maxMs: 50 },
    { least: 10, most: 50, mean: 30, deviation: 40 / Math.sqrt(12) },
  ],
  [
    { distribution: "uniform", minMs: 10, maxMs: 10 },
    { least: 10, most: 10, mean: 10, deviation: 0 },
  ],
  [
    { distribution: "normal", meanMs: 100, deviationMs: 10 },
    { least: 0, most: 200, mean: 100, deviation: 10 },
  ],
])("latency %j has the mean and the deviation that it says", (parameters, expected) => {
  const fault = new ActiveFault("a", "latency", checkFault("fault", "latency", parameters), seededRandom(1));
  const drawn = Array.from({ length: draws }, () => drawWait(fault));
  const mean = drawn.reduce((sum, one) => sum + one, 0) / draws;
  const deviation = Math.sqrt(drawn.reduce((sum, one) => sum + (one - mean) ** 2, 0) / draws);
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(expected.least);
  expect(Math.max(...drawn)).toBeLessThanOrEqual(expected.most);
  // Five standard errors of the mean, and a tenth of the deviation.
  expect(Math.abs(mean - expected.mean)).toBeLessThanOrEqual((5 * expected.deviation) / Math.sqrt(draws) + 1e-9);
  expect(Math.abs(deviation - expected.deviation)).toBeLessThanOrEqual(expected.deviation / 10 + 1e-9);
});

it("what would be in the past comes at once, and a hang without an end has none", () => {
  const parameters = { distribution: "normal", meanMs: 0, deviationMs: 10 };
  const fault = new ActiveFault("a", "latency", checkFault("fault", "latency", parameters), seededRandom(1));
  const drawn = Array.from({ length: 100 }, () => drawWait(fault));
  expect(Math.min(...drawn)).toBe(0);
  expect(drawWait(new ActiveFault("b", "hang", checkFault("fault", "hang", {}), seededRandom(1)))).toBe(Infinity);
});
