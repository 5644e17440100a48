import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Roster } from "./roster.ts";

describe("Roster", () => {
  it("gives the place of a primary that fails to the first backup, and the last place of backups to one that returns", () => {
    const roster = new Roster(["a", "b"], ["c", "d"]);
    expect(roster.fail("a", 10)).toEqual([
      { type: "failed", node: "a" },
      { type: "promoted", node: "c", replaces: "a" },
    ]);
    expect([roster.primaries, roster.backups, roster.failed]).toEqual([["c", "b"], ["d"], ["a"]]);
    expect(roster.expire(9)).toEqual([]);
    expect(roster.expire(10)).toEqual([{ type: "returned", node: "a" }]);
    expect([roster.primaries, roster.backups, roster.failed]).toEqual([["c", "b"], ["d", "a"], []]);
  });

  it("leaves a primary that nobody can replace in its place, until somebody returns", () => {
    const roster = new Roster(["a"], ["b"]);
    expect(roster.fail("b", 5)).toEqual([{ type: "failed", node: "b" }]);
    expect(roster.fail("a", Infinity)).toEqual([{ type: "failed", node: "a" }]);
    expect([roster.primaries, roster.backups, roster.failed]).toEqual([["a"], [], ["b", "a"]]);
    expect(roster.expire(5)).toEqual([
      { type: "returned", node: "b" },
      { type: "promoted", node: "b", replaces: "a" },
    ]);
    expect(roster.restore("a")).toEqual([{ type: "returned", node: "a" }]);
    expect([roster.primaries, roster.backups]).toEqual([["b"], ["a"]]);
  });

  it("leaves a primary in its place that returns together with a backup", () => {
    const roster = new Roster(["a"], ["b"]);
    roster.fail("b", 5);
    roster.fail("a", 5);
    expect(roster.expire(5)).toEqual([
      { type: "returned", node: "b" },
      { type: "returned", node: "a" },
    ]);
    expect([roster.primaries, roster.backups]).toEqual([["a"], ["b"]]);
  });

  it("promotes nobody for the same failure twice, and the longer of two reports counts", () => {
    const roster = new Roster(["a"], ["b", "c"]);
    expect(roster.fail("a", 10)).toHaveLength(2);
    expect(roster.fail("a", 20)).toEqual([]);
    expect(roster.fail("a", 15)).toEqual([]);
    expect(roster.expire(19)).toEqual([]);
    expect(roster.primaries).toEqual(["b"]);
    expect(roster.expire(20)).toHaveLength(1);
  });

  it("believes an answer more than a failed call, and a report more than an answer", () => {
    const roster = new Roster(["a"], []);
    roster.fail("a", 10);
    expect(roster.answered("a")).toEqual([{ type: "returned", node: "a" }]);
    roster.fail("a", Infinity);
    expect(roster.answered("a")).toEqual([]);
    expect(roster.failed).toEqual(["a"]);
    expect(roster.restore("a")).toHaveLength(1);
    expect(roster.answered("a")).toEqual([]);
  });

  it("does not know strangers", () => {
    const roster = new Roster(["a"], ["b"]);
    expect([roster.has("a"), roster.has("b"), roster.has("c")]).toEqual([true, true, false]);
    expect([roster.fail("c", 1), roster.restore("c"), roster.restore("a")]).toEqual([[], [], []]);
    expect(roster.failed).toEqual([]);
  });

  it("keeps every node in one place, all places taken, and no backup unused while a primary has failed", () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const change = fc.record({
      type: fc.constantFrom("fail", "report", "restore", "answered", "expire"),
      node: fc.constantFrom(...names),
      at: fc.nat(20),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(change, { maxLength: 40 }), (count, changes) => {
        const roster = new Roster(names.slice(0, count), names.slice(count));
        for (const { type, node, at } of changes) {
          const before = new Set(roster.backups);
          const told =
            type === "fail"
              ? roster.fail(node, at)
              : type === "report"
                ? roster.fail(node, Infinity)
                : type === "restore"
                  ? roster.restore(node)
                  : type === "answered"
                    ? roster.answered(node)
                    : roster.expire(at);
          const { primaries, backups, failed } = roster;
          expect(primaries).toHaveLength(count);
          expect([...primaries, ...backups, ...failed.filter((each) => !primaries.includes(each))].toSorted()).toEqual(
            names,
          );
          expect(backups.filter((each) => failed.includes(each))).toEqual([]);
          if (backups.length > 0) expect(primaries.filter((each) => failed.includes(each))).toEqual([]);
          for (const each of told) {
            if (each.type === "promoted") {
              expect(primaries).toContain(each.node);
              expect(primaries).not.toContain(each.replaces);
              expect(before.has(each.node) || told.some((other) => other.type === "returned")).toBe(true);
            }
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
