import { describe, expect, it } from "vitest";
import { loadCommand } from "./load-command.ts";
import { parseLine } from "./parse-line.ts";

describe("holdfast load", () => {
  it("reads what is expected", () => {
    const { options } = parseLine(loadCommand, ["--expect", "p99Ms<50, read.p99Ms <= 2.5,errorRatio==0"], {}) as {
      readonly options: Readonly<Record<string, unknown>>;
    };
    expect(options["expect"]).toEqual([
      { measure: "p99Ms", operator: "<", value: 50 },
      { measure: "read.p99Ms", operator: "<=", value: 2.5 },
      { measure: "errorRatio", operator: "==", value: 0 },
    ]);
  });

  it.each<[readonly string[], string]>([
    [["--expect", "fast"], '--expect must be rules like p99Ms<50, separated by commas (got "fast")'],
    [["--expect", "p98Ms<5"], "--expect names p98Ms; there are offered, "],
    [["--expect", "delete.p99Ms<5"], "--expect names delete.p99Ms; there are"],
    [["--workload", "g"], '--workload must be one of a, b, c, d, e, f, put (got "g")'],
    [["--value-bytes", "9..1"], '--value-bytes must be bytes like 1000 or 100..1000, at most 1048576 (got "9..1")'],
    [["--keys", "odd"], "--keys must be one of own, uniform, zipfian, latest, hotspot, sequential"],
  ])("refuses %j", (line, message) => {
    expect(() => parseLine(loadCommand, line, {})).toThrow(message);
  });
});
