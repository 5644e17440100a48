import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { checkExpectations, loadMeasureNames, loadMeasures, parseExpectation } from "./expectations.ts";
import { runLoad } from "./run-load.ts";

describe("checkExpectations", () => {
  const measures = { p99Ms: 49.5, errorRatio: 0.02, maxMs: null };
  it.each<[readonly string[], string]>([
    [["p99Ms < 50"], "passed"],
    [["p99Ms<=49.5", "p99Ms >= 49.5", "p99Ms == 49.5"], "passed"],
    [["p99Ms > 49.5"], "failed"],
    [["p99Ms < 50", "errorRatio < 1e-2"], "failed"],
    [["p99Ms < 50", "maxMs < 50"], "inconclusive"],
    [["maxMs < 50", "errorRatio < 0.01"], "failed"],
    [["toString < 1"], "inconclusive"],
    [[], "inconclusive"],
  ])("%j: %s", (expectations, verdict) => {
    expect(checkExpectations(measures, expectations).verdict).toBe(verdict);
  });

  it("tells what was, beside what was expected", () => {
    const expectation = { measure: "p99Ms", operator: "<", value: 40 } as const;
    expect(checkExpectations(measures, [expectation, "maxMs < 7"]).results).toEqual([
      { ...expectation, actual: 49.5, holds: false },
      { measure: "maxMs", operator: "<", value: 7, actual: null, holds: null },
    ]);
  });

  it("judges a run", async () => {
    const clock = new VirtualClock();
    const run = runLoad({
      clock,
      random: seededRandom(1),
      operation: async (call) => {
        call.name = call.sequence % 2 === 0 ? "read" : "service";
        await clock.sleep(call.name === "read" ? 2 : 9);
        if (call.sequence % 10 === 1) throw new Error("odd");
      },
      ratePerSecond: 100,
      durationMs: 1_000,
    });
    await clock.advance(5_000);
    const found = loadMeasures(await run);
    expect(found).toMatchObject({ offered: 100, failed: 10, errorRatio: 0.1, p50Ms: 2, p99Ms: 9, dropped: 0 });
    expect(found).toMatchObject({ "read.p99Ms": 2, "read.succeeded": 50, "service.failed": 10, "service.p50Ms": 2 });
    expect(loadMeasureNames.filter((name) => !(name in found))).toEqual([]);
    expect(checkExpectations(found, ["read.p99Ms < 5", "errorRatio <= 0.1"]).verdict).toBe("passed");
  });

  it.each<[unknown, string]>([
    ["p99Ms", 'expectation must be like "p99Ms < 50" (got "p99Ms")'],
    ["p99Ms < fast", "expectation must be like"],
    ["p99Ms = 5", "expectation must be like"],
    [{ measure: "p99Ms", below: 5 }, "expectations[0].below is no option; there are measure, operator, value"],
    [{ measure: "p99Ms", operator: "!", value: 5 }, 'expectations[0].operator must be "<" or'],
    [{ measure: "p99Ms", operator: "<", value: "5" }, "expectations[0].value must be a number"],
    [{ measure: "", operator: "<", value: 5 }, "expectations[0].measure must be a name"],
  ])("refuses %j", (expectation, message) => {
    expect(() => checkExpectations(measures, [expectation as string])).toThrow(message);
  });

  it("reads what a person writes", () => {
    expect(parseExpectation("  read-modify-write.p99Ms>=1.5 ")).toEqual({
      measure: "read-modify-write.p99Ms",
      operator: ">=",
      value: 1.5,
    });
  });
});
