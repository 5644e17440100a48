import { describe, expect, it } from "vitest";
import { checkCluster, clusterId, maxMembers, memberId, type InitialCluster } from "./member-identity.ts";

const cluster = (...names: string[]): InitialCluster => ({
  name: "c",
  members: names.map((name, at) => ({ name, peer: { host: "h", port: 1000 + at } })),
});
const frozenMemberIds = [3649070289844915, 2709763760563304, 7452752083639969];
const frozenClusterId = 3775080724242758n;
const nine = Array.from({ length: 9 }, (_, at) => `n${at}`);

describe("checkCluster", () => {
  it.each(nine.slice(0, maxMembers).map((_, at) => at + 1))("accepts %d members", (count) => {
    expect(() => checkCluster(cluster(...nine.slice(0, count)), "n0")).not.toThrow();
  });

  it.each<[string, InitialCluster, string, string]>([
    ["no name", { ...cluster("a"), name: "" }, "a", 'cluster.name must not be empty (got "")'],
    ["no members", cluster(), "a", "cluster.members must be 1 to 7 (got 0)"],
    ["too many members", cluster(...nine.slice(0, 8)), "n0", "cluster.members must be 1 to 7 (got 8)"],
    ["a member without a name", cluster("a", ""), "a", 'cluster.members[1].name must not be empty (got "")'],
    ["two of one name", cluster("a", "b", "a"), "a", 'cluster.members[2].name must be unique (got "a")'],
    [
      "two at one address",
      { name: "c", members: ["a", "b"].map((name) => ({ name, peer: { host: "h", port: 1 } })) },
      "a",
      'cluster.members[1].peer must be unique (got "h:1")',
    ],
    ["a stranger", cluster("a", "b"), "x", `name must be one of the cluster's members (a, b) (got "x")`],
  ])("refuses %s", (_, given, self, message) => {
    expect(() => checkCluster(given, self)).toThrow(message);
  });
});

describe("ids", () => {
  it("are safe positive integers that differ by member and by cluster", () => {
    const seen = new Set<number | bigint>();
    for (let number = 0; number < 500; number++) {
      for (const name of ["c", "d"]) {
        const id = memberId({ ...cluster("a"), name }, `n${number}`);
        expect(Number.isSafeInteger(id) && id > 0).toBe(true);
        seen.add(id);
      }
    }
    expect(seen.size).toBe(1000);
  });

  it("stay what they are: data directories carry them", () => {
    const three = { ...cluster("n1", "n2", "n3"), name: "holdfast" };
    expect(three.members.map(({ name }) => memberId(three, name))).toEqual(frozenMemberIds);
    expect(clusterId(three)).toBe(frozenClusterId);
  });

  it("do not depend on addresses or on the order of members", () => {
    const one = cluster("a", "b");
    const other = {
      ...one,
      members: one.members.toReversed().map(({ name }) => ({ name, peer: { host: "x", port: 1 } })),
    };
    expect(clusterId(other)).toBe(clusterId(one));
    expect(memberId(other, "a")).toBe(memberId(one, "a"));
  });

  it.each<[string, InitialCluster]>([
    ["name", { ...cluster("a", "b"), name: "d" }],
    ["members", cluster("a", "c")],
    ["number of members", cluster("a", "b", "c")],
    ["names cut elsewhere", cluster('a","b')],
  ])("of clusters with another %s differ", (_, other) => {
    expect(clusterId(other)).not.toBe(clusterId(cluster("a", "b")));
  });
});
