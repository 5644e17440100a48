import type { ClusterView, LinkView, MemberLiveness } from "holdfast/telemetry";
import { describe, expect, it } from "vitest";
import { blastRadius } from "./blast-radius.ts";
import { clusterVerdict } from "./cluster-verdict.ts";
import { linkGroups, pairLinks } from "./topology.ts";

/** `says`: who says what of whom, `a>b` to a state; what is not said is up. */
function cluster(
  names: readonly string[],
  says: Readonly<Record<string, LinkView["state"]>> = {},
  liveness: Readonly<Record<string, MemberLiveness>> = {},
): ClusterView {
  const members = names.map((name) => {
    const own = liveness[name] ?? "answers";
    const links = names
      .filter((to) => to !== name && own === "answers")
      .map((to) => ({ to, state: says[`${name}>${to}`] ?? "up", lastHeardMs: 0 }) as const);
    return {
      id: name,
      name,
      liveness: own,
      sinceMs: 0,
      role: null,
      isLearner: false,
      isWitness: false,
      term: 1,
      commitIndex: 1,
      appliedIndex: 1,
      lagEntries: 0,
      storeBytes: 1,
      residentBytes: 1,
      clientUrl: null,
      httpUrl: null,
      links,
    } as const;
  });
  const answering = members.filter((member) => member.liveness === "answers").length;
  const quorum = { needed: Math.floor(names.length / 2) + 1, answering, voters: names.length };
  return { at: 0, servedBy: "a", clusterId: "c", leader: "a", term: 1, quorum, members, commitsPerSecond: 0 };
}

const stateOf = (view: ClusterView, a: string, b: string): string | undefined =>
  pairLinks(view).find((link) => link.a === a && link.b === b)?.state;

describe("links", () => {
  it("are cut when both say so, and of one direction when one does", () => {
    const view = cluster(["a", "b", "c"], { "a>b": "down", "b>a": "down", "a>c": "down", "c>b": "suspect" });
    expect(stateOf(view, "a", "b")).toBe("cut");
    expect(pairLinks(view).find((link) => link.b === "c" && link.a === "a")).toMatchObject({
      state: "oneWay",
      deaf: "a",
    });
    expect(stateOf(view, "b", "c")).toBe("suspect");
  });

  it("to one that is silent are what the other says; to one that is stopped there are none", () => {
    const view = cluster(["a", "b", "c"], { "a>b": "down", "a>c": "down" }, { b: "silent", c: "stopped" });
    expect(pairLinks(view)).toEqual([{ a: "a", b: "b", state: "cut", deaf: null }]);
  });
});

describe("groups", () => {
  const cut = Object.fromEntries(
    ["a", "b", "c"].flatMap((one) =>
      ["d", "e"].flatMap((other) => [
        [`${one}>${other}`, "down"],
        [`${other}>${one}`, "down"],
      ]),
    ),
  ) as Record<string, "down">;

  it("are those who still hear each other", () => {
    expect(linkGroups(cluster(["a", "b", "c", "d", "e"], cut))).toEqual([
      ["a", "b", "c"],
      ["d", "e"],
    ]);
    expect(linkGroups(cluster(["a", "b"], { "a>b": "suspect" }))).toEqual([["a", "b"]]);
  });

  it("make a cluster degraded, and say which", () => {
    expect(clusterVerdict(cluster(["a", "b", "c", "d", "e"], cut))).toEqual({
      tone: "warn",
      word: "Degraded",
      problems: ["cut: a, b, c | d, e"],
    });
  });
});

describe("the verdict", () => {
  it("is of the quorum first", () => {
    const { word, problems } = clusterVerdict(cluster(["a", "b", "c"], {}, { b: "stopped", c: "silent" }));
    expect(word).toBe("No quorum");
    expect(problems[0]).toMatch(/^1 of 3 voters answer and 2 are needed/);
    expect(problems.slice(2)).toEqual(["stopped: b", "silent: c"]);
    expect(clusterVerdict({ ...cluster(["a"]), leader: null }).word).toBe("No leader");
    expect(clusterVerdict(cluster(["a", "b"])).word).toBe("Healthy");
  });
});

describe("the verdict of a page that a member serves", () => {
  const down = (...pairs: readonly string[]): Record<string, "down"> =>
    Object.fromEntries(
      pairs.flatMap((pair) => [pair, pair.split(">").toReversed().join(">")]).map((pair) => [pair, "down"]),
    );

  it("tells the minority from the rest", () => {
    const view = cluster(["a", "b", "c"], down("a>b", "a>c"));
    expect(clusterVerdict({ ...view, leader: "b" }).problems).toEqual([
      "seen from the minority: a, which serves this page, is cut off",
      "cut: b, c | a",
    ]);
    expect(clusterVerdict({ ...view, leader: "b", servedBy: "b" }).problems).toEqual(["cut: b, c | a"]);
  });

  it("does not claim that nobody has a quorum when it only reaches nobody", () => {
    const view = cluster(["a", "b", "c"], {}, { b: "silent", c: "silent" });
    expect(clusterVerdict(view).problems[1]).toBe("seen from a: whom it does not reach may go on without it");
    expect(clusterVerdict({ ...view, servedBy: "up" }).problems[1]).toBe("silent: b, c");
  });

  it("sees that no majority is together though all of it answers", () => {
    const view = { ...cluster(["a", "b", "c"], down("a>b", "a>c", "b>c")), leader: null, servedBy: "up" };
    expect(clusterVerdict(view)).toMatchObject({ word: "No quorum", tone: "bad" });
    expect(clusterVerdict(view).problems[0]).toMatch(/^no 2 of the 3 voters hear each other/);
  });

  it("takes what nobody knows for no cut", () => {
    const view = cluster(["a", "b", "c"], { "a>b": "unknown", "b>a": "unknown" });
    expect(pairLinks(view)[0]).toMatchObject({ state: "unknown" });
    expect(clusterVerdict(view).word).toBe("Healthy");
  });
});

describe("the blast radius", () => {
  const target = (name: string, ...members: string[]) => ({ name, label: name, kinds: [], members });
  const targets = [target("pa", "a"), target("pb", "b"), target("pc", "c")];
  const active = { id: "f", target: "pb", kind: "pause", parameters: {}, injectedAt: 0, endsAt: 1, struck: null };

  it("counts what other faults hurt already", () => {
    const view = cluster(["a", "b", "c"]);
    expect(blastRadius(view, targets[0]!, [], targets)).toMatchObject({
      quorumSurvives: true,
      unhurt: 2,
      includesLeader: true,
    });
    expect(blastRadius(view, targets[2]!, [active], targets)).toMatchObject({
      quorumSurvives: false,
      unhurt: 1,
      members: ["c"],
    });
    expect(blastRadius(view, targets[1]!, [active], targets)).toMatchObject({ quorumSurvives: true, members: [] });
  });
});
