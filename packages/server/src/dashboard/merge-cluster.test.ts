import { describe, expect, it } from "vitest";
import type { MembersDocument } from "../http/members-document.ts";
import type { StatusDocument } from "../http/member-status.ts";
import type { MemberPresence, MemberProcessState } from "./member-word.ts";
import { mergeCluster, type MergeInput } from "./merge-cluster.ts";

const names = ["n1", "n2", "n3"] as const;
const idOf = (name: string): string => `${name}-id`;
type Own = Partial<StatusDocument["member"]>;

function status(name: string, own: Own = {}): StatusDocument {
  const member = {
    id: idOf(name),
    name,
    role: "follower",
    term: 3,
    leader: idOf("n1"),
    commitIndex: 100,
    appliedIndex: 100,
    revision: 9,
    storeBytes: 1_000,
    logBytes: 2_000,
    residentBytes: 3_000,
    ...own,
  } as const;
  const members = names.map((each, at) => ({
    id: idOf(each),
    name: each,
    peerUrls: [],
    clientUrls: [`http://127.0.0.1:${2379 + 10 * at}`],
    httpUrls: [`http://127.0.0.1:${2381 + 10 * at}`],
    isLearner: false,
  }));
  return { clusterId: "c1", member, members };
}

type GossipState = MembersDocument["members"][number]["state"];

function gossip(states: Readonly<Record<string, GossipState>>, lastHeardMs = 40): MembersDocument {
  const rest = { host: "127.0.0.1", port: 1, role: null, clientUrl: null, httpUrl: null, peer: null, incarnation: 0 };
  const told = { ...rest, sinceMs: 700, lastHeardMs, unansweredMs: null };
  const members = Object.entries(states).map(([name, state]) => ({ name, state, ...told }));
  return { members };
}

const allAlive = gossip({ n1: "alive", n2: "alive", n3: "alive" });

function answers(name: string, own: Own = {}, heard: MembersDocument | undefined = allAlive): [string, MemberPresence] {
  return [name, { word: { status: status(name, own), gossip: heard }, sinceMs: 9_000 }];
}

const silent = (name: string): [string, MemberPresence] => [name, { word: undefined, sinceMs: 9_500 }];

function merge(presences: readonly [string, MemberPresence][], more: Partial<MergeInput> = {}) {
  return mergeCluster({
    at: 5,
    nowMs: 10_000,
    servedBy: "n2",
    presences: new Map(presences),
    known: [],
    commitsPerSecond: 12,
    ...more,
  });
}

const leads: Own = { role: "leader", commitIndex: 110, appliedIndex: 110 };

describe("a cluster put together", () => {
  it("of members that all answer", () => {
    const view = merge([answers("n1", leads), answers("n2"), answers("n3", { appliedIndex: 90 })]);
    expect(view).toMatchObject({ clusterId: "c1", leader: "n1", term: 3, servedBy: "n2", commitsPerSecond: 12 });
    expect(view.quorum).toEqual({ needed: 2, answering: 3, voters: 3 });
    expect(view.members.map(({ name, lagEntries }) => [name, lagEntries])).toEqual([
      ["n1", 0],
      ["n2", 10],
      ["n3", 20],
    ]);
    expect(view.members[1]?.links).toEqual([
      { to: "n1", state: "up", lastHeardMs: 40, source: "gossip" },
      { to: "n3", state: "up", lastHeardMs: 40, source: "gossip" },
    ]);
  });

  it("knows nothing of a member that is silent but that it is, and since when", () => {
    const view = merge([answers("n1", leads), answers("n2"), silent("n3")]);
    expect(view.members[2]).toEqual({
      id: "n3-id",
      name: "n3",
      liveness: "silent",
      sinceMs: 500,
      role: null,
      isLearner: false,
      isWitness: false,
      term: null,
      commitIndex: null,
      appliedIndex: null,
      lagEntries: null,
      storeBytes: null,
      residentBytes: null,
      clientUrl: "http://127.0.0.1:2399",
      httpUrl: "http://127.0.0.1:2401",
      links: [],
    });
    expect(view.quorum).toEqual({ needed: 2, answering: 2, voters: 3 });
  });

  it("tells a member that said farewell, and one without a process, from one that is silent", () => {
    const heard = gossip({ n1: "alive", n2: "alive", n3: "left" });
    expect(merge([answers("n1", leads, heard), answers("n2", {}, heard), silent("n3")]).members[2]).toMatchObject({
      liveness: "left",
      sinceMs: 700,
    });
    const processOf = (name: string): MemberProcessState => ({ isRunning: name !== "n3", forMs: 123 });
    // It answered a moment ago: the supervisor knows better.
    expect(merge([answers("n1", leads), answers("n2"), answers("n3")], { processOf }).members[2]).toMatchObject({
      liveness: "stopped",
      sinceMs: 123,
      role: null,
    });
  });

  it.each([
    ["nobody while they do not agree", ["n1", "n2", "n3"], null, 3],
    ["whom more than half follow", ["n2", "n2", "n1"], "n2", 3],
    ["nobody while nobody knows one", ["", "", ""], null, 3],
  ])("follows %s", (_what, followed, leader, term) => {
    const view = merge(
      names.map((name, at) => answers(name, { leader: followed[at] === "" ? "" : idOf(followed[at]!) })),
    );
    expect([view.leader, view.term]).toEqual([leader, term]);
  });

  it("goes by gossip for how long it has been so, where it was never otherwise while somebody watched", () => {
    const [name, { word }] = answers("n2");
    const heard = gossip({ n1: "alive", n2: "alive", n3: "dead" });
    const view = merge([
      answers("n1", leads, heard),
      [name, { word, sinceMs: undefined }],
      ["n3", { word: undefined, sinceMs: undefined }],
    ]);
    expect(view.members.map(({ sinceMs }) => sinceMs)).toEqual([1_000, 700, 700]);
  });

  it("counts the newest term of those who follow, not of one that stands for election alone", () => {
    const alone: Own = { role: "candidate", term: 9, leader: "" };
    const view = merge([answers("n1", leads), answers("n2"), answers("n3", alone)]);
    expect([view.leader, view.term]).toEqual(["n1", 3]);
  });

  it("has no leader without a process, whomever the others still follow", () => {
    const processOf = (name: string): MemberProcessState => ({ isRunning: name !== "n1", forMs: 1 });
    expect(merge([silent("n1"), answers("n2"), answers("n3")], { processOf }).leader).toBeNull();
    expect(merge([silent("n1"), answers("n2"), answers("n3")]).leader).toBe("n1");
  });

  it("shows a cut that one side alone notices as that", () => {
    const view = merge([
      answers("n1", leads),
      answers("n2", {}, gossip({ n1: "alive", n2: "alive", n3: "dead" }, 6_000)),
      answers("n3"),
    ]);
    expect(view.members[1]?.links[1]).toEqual({ to: "n3", state: "down", lastHeardMs: 6_000, source: "gossip" });
    expect(view.members[2]?.links[1]).toEqual({ to: "n2", state: "up", lastHeardMs: 40, source: "gossip" });
  });

  it("shows whom it knows of beforehand when nobody answers", () => {
    const known = names.map((name) => ({ name, clientUrl: null, httpUrl: null }));
    const view = merge([silent("n1")], { known });
    expect(view.members.map(({ name, liveness }) => [name, liveness])).toEqual(names.map((name) => [name, "silent"]));
    expect(view).toMatchObject({ leader: null, term: 0, quorum: { needed: 2, answering: 0, voters: 3 } });
  });
});
