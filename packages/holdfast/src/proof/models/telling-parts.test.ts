import { describe, expect, it } from "vitest";
import { pairOperations } from "../history.ts";
import { checkLinearizable } from "../linearizability.ts";
import { written, type WrittenCall } from "../testing/written-history.ts";
import { bag } from "./bag.ts";
import { queue } from "./queue.ts";
import { tellingParts } from "./telling-parts.ts";

const linesOf = (calls: readonly WrittenCall[]): number[][] =>
  Array.from(tellingParts(pairOperations(written(calls))), (part) => part.map(({ line }) => line));

describe("tellingParts", () => {
  it.each<[string, readonly WrittenCall[], number[][]]>([
    [
      "nothing of what is possible",
      [
        ["enqueue", 1, null, 0, 1],
        ["dequeue", null, null, 1, 2],
        ["dequeue", null, 1, 2, 3],
      ],
      [],
    ],
    [
      "what nobody put in",
      [
        ["enqueue", 1, null, 0, 1],
        ["dequeue", null, 2, 2, 3],
      ],
      [[3]],
    ],
    [
      "what was taken twice",
      [
        ["enqueue", 1, null, 0, 1],
        ["dequeue", null, 1, 2, 3],
        ["dequeue", null, 1, 4, 5],
      ],
      [[1, 3, 5]],
    ],
    [
      "what was taken too early",
      [
        ["dequeue", null, 1, 0, 1],
        ["enqueue", 1, null, 2, 3],
      ],
      [[1, 3]],
    ],
    [
      "what was there all the time",
      [
        ["enqueue", 1, null, 0, 1],
        ["dequeue", null, null, 2, 9],
        ["dequeue", null, null, 3, 4],
        ["dequeue", null, 1, 5, 6],
      ],
      [[1, 4, 6]],
    ],
    [
      "no emptiness after a take of unknown outcome",
      [
        ["enqueue", 1, null, 0, 1],
        ["dequeue", null, null, 2],
        ["dequeue", null, null, 3, 4],
      ],
      [],
    ],
  ])("finds %s", (_, calls, lines) => {
    expect(linesOf(calls)).toEqual(lines);
    for (const model of [queue(), bag()]) {
      expect(checkLinearizable(model, written(calls)).verdict).toBe(lines.length === 0 ? "ok" : "violation");
    }
  });

  it("explains with nothing else", () => {
    const others = Array.from({ length: 40 }, (_, i): WrittenCall => ["enqueue", i, null, i, 1000]);
    const calls: readonly WrittenCall[] = [...others, ["dequeue", null, "x", 500, 600]];
    const { violation, configurations } = checkLinearizable(queue(), written(calls));
    expect(violation).toMatchObject({ operation: { output: "x" }, longest: [] });
    expect(configurations).toBeLessThan(10);
  });
});
