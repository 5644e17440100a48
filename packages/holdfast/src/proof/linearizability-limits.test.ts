import { describe, expect, it } from "vitest";
import { checkLinearizable } from "./linearizability.ts";
import { keyValueAppend } from "./models/kv-append.ts";
import { counter } from "./models/counter.ts";
import { register } from "./models/cell.ts";
import { queue } from "./models/queue.ts";
import { written, type WrittenCall } from "./testing/written-history.ts";

describe("the limits of checkLinearizable", () => {
  it("a history is as deep as it likes", () => {
    const calls = Array.from({ length: 30_000 }, (_, i): WrittenCall => ["write", i, null, 10 * i, 10 * i + 15]);
    expect(checkLinearizable(register(), written(calls)).verdict).toBe("ok");
  });

  it("memory grows with the history, not with its square", () => {
    // One operation takes as long as all the others, and each fiftieth never ends.
    const calls = Array.from({ length: 20_000 }, (_, i): WrittenCall => {
      const end = i === 0 ? 1_000_000 : i % 50 === 7 ? undefined : 10 * i + 5;
      return i % 2 === 0 ? ["write", i, null, 10 * i, end] : ["read", null, i === 1 ? null : i - 1, 10 * i, end];
    });
    const result = checkLinearizable(register(), written(calls), { maxBytes: 8 * 1024 * 1024 });
    expect(result).toMatchObject({ verdict: "ok" });
    expect(result.configurations).toBeGreaterThan(19_000);
  });

  it("remembers configurations that differ far apart", () => {
    // More than 128 operations beside each other: what is remembered of them is a fingerprint.
    const adds = Array.from({ length: 200 }, (_, i): WrittenCall => ["add", 1, null, i, 10_000]);
    const read = (output: number): WrittenCall => ["read", null, output, 20_000, 20_001];
    expect(checkLinearizable(counter(), written([...adds, read(200)])).verdict).toBe("ok");
    const early: WrittenCall = ["read", null, 150, 300, 9000];
    expect(checkLinearizable(counter(), written([...adds, early, read(200)])).verdict).toBe("ok");
  });

  it("what a model remembers counts towards maxBytes", () => {
    const calls = Array.from({ length: 2000 }, (_, i): WrittenCall => [
      "put",
      `${i}${"x".repeat(500)}`,
      null,
      10 * i,
      10 * i + 5,
    ]);
    expect(
      checkLinearizable(
        keyValueAppend(),
        written(calls, () => "k"),
        { maxBytes: 1_000_000 },
      ),
    ).toMatchObject({
      verdict: "unknown",
      explanation: 'key "k" was not decided within maxBytes 1000000',
    });
  });

  it("gives for each open operation the longest order that holds it", () => {
    const calls: readonly WrittenCall[] = [
      ["write", 1, null, 0, 100],
      ["write", 2, null, 0, 100],
      ["write", 3, null, 0],
      ["read", null, 9, 10, 20],
    ];
    const { violation } = checkLinearizable(register(), written(calls));
    const held = new Set(violation?.partialOrders.flatMap(({ operations }) => operations.map(({ input }) => input)));
    expect(violation?.operation).toMatchObject({ f: "read", output: 9 });
    expect(held).toEqual(new Set([1, 2, 3]));
    expect(violation?.partialOrders[0]?.length).toBe(violation?.longest.length);
    expect(violation?.partialOrders.length).toBeLessThanOrEqual(8);
  });

  it("explains in the model's own terms what it decided by looking ahead", () => {
    const calls: readonly WrittenCall[] = [
      ["enqueue", "a", null, 0, 1],
      ["enqueue", "b", null, 2, 3],
      ["dequeue", null, "b", 4, 5],
      ["dequeue", null, "a", 6, 7],
    ];
    expect(checkLinearizable(queue(), written(calls)).violation).toMatchObject({
      operation: { f: "dequeue", output: "b" },
      longest: [{ input: "a" }, { input: "b" }],
    });
  });
});
