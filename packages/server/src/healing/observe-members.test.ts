import type { Observation } from "holdfast/recovery";
import { describe, expect, it } from "vitest";
import type { StatusDocument } from "../http/member-status.ts";
import type { GossipMember } from "../http/members-document.ts";
import { planCluster } from "../supervisor/cluster-plan.ts";
import type { SupervisedMember } from "../supervisor/supervisor.ts";
import { MemberHistory, type MemberAnswer, type Seen } from "./observe-members.ts";

const { members: plans } = planCluster({ nodes: 3, directory: "data", port: 2379 });

function slot(name: string, given: Partial<SupervisedMember> = {}): SupervisedMember {
  const plan = plans.find((member) => member.name === name)!;
  return { plan, state: "alive", sinceMs: 0, pid: 1, restarts: 0, lastExit: undefined, lost: undefined, ...given };
}

interface Said {
  readonly role?: "leader" | "follower";
  readonly term?: number;
  readonly leader?: string;
  readonly applied?: number;
  readonly tookMs?: number;
  readonly more?: readonly string[];
}

function answer(name: string, said: Said = {}): [string, MemberAnswer] {
  const { role = "follower", term = 1, leader = "1", applied = 90, tookMs = 5, more = [] } = said;
  const members = ["n1", "n2", "n3", ...more].map((each) => ({
    id: each.slice(1),
    name: each,
    peerUrls: [],
    clientUrls: [],
    httpUrls: [],
    isLearner: each === "n4",
  }));
  const sizes = { revision: 1, storeBytes: 0, logBytes: 0, residentBytes: 0 };
  const member = { id: name.slice(1), name, role, term, leader, commitIndex: 100, appliedIndex: applied, ...sizes };
  const document: StatusDocument = { clusterId: "c", member, members };
  return [name, { document, tookMs }];
}

const leading = answer("n1", { role: "leader" });

function look(history: MemberHistory, given: Partial<Seen>): Observation | undefined {
  return history.observe({
    supervised: [slot("n1"), slot("n2"), slot("n3")],
    answers: new Map([leading, answer("n2"), answer("n3")]),
    gossip: undefined,
    isOurs: (name) => name < "n5",
    lossOf: () => undefined,
    full: new Set(),
    nowMs: 0,
    ...given,
  });
}

const part = (observation: Observation | undefined, field: keyof Observation["members"][number]): unknown[] =>
  observation!.members.map((member) => member[field]);

describe("members as healing sees them", () => {
  it("have the leader's word for who they are", () => {
    const observation = look(new MemberHistory(), {});
    expect([observation!.leader, part(observation, "name")]).toEqual(["1", ["n1", "n2", "n3"]]);
    expect(part(observation, "lagEntries")).toEqual([10, 10, 10]);
    expect(look(new MemberHistory(), { answers: new Map() })).toBeUndefined();
  });

  it("answer, are silent, start or are stopped, since when", () => {
    const history = new MemberHistory();
    const supervised = [
      slot("n1"),
      slot("n2", { state: "starting" }),
      slot("n3", { state: "restarting", pid: undefined }),
    ];
    expect(part(look(history, {}), "liveness")).toEqual(["answers", "answers", "answers"]);
    const later = look(history, { supervised, answers: new Map([leading]), nowMs: 500 });
    expect(part(later, "liveness")).toEqual(["answers", "starting", "stopped"]);
    const much = look(history, { answers: new Map([leading, answer("n2", { leader: "3", term: 2 })]), nowMs: 2_000 });
    // One that follows another takes no part, whatever it answers.
    expect([part(much, "liveness"), part(much, "sinceMs")]).toEqual([
      ["answers", "silent", "silent"],
      [2_000, 0, 0],
    ]);
    const last = look(history, { answers: new Map([leading]), nowMs: 3_000 });
    expect(part(last, "sinceMs")).toEqual([3_000, 1_000, 1_000]);
    const leaderless = look(history, { answers: new Map([answer("n2", { leader: "" })]), nowMs: 4_000 });
    expect([leaderless!.leader, part(leaderless, "liveness")]).toEqual([null, ["silent", "answers", "silent"]]);
  });

  it("are lost when their data is gone, their supervisor has given up, or nobody runs them", () => {
    const answers = new Map([answer("n1", { role: "leader", more: ["n4", "n9"] })]);
    const supervised = [slot("n1"), slot("n2", { lost: "given up" }), slot("n3")];
    const lossOf = ({ plan: { name } }: SupervisedMember): string | undefined =>
      name === "n3" ? "no data" : undefined;
    const observation = look(new MemberHistory(), { answers, supervised, lossOf });
    expect(part(observation, "lost")).toEqual([null, "given up", "no data", "it has no process here", null]);
    // Somebody else's are left alone.
    expect(part(observation, "isManaged")).toEqual([true, true, true, true, false]);
    expect(part(observation, "kind")).toEqual(["voter", "voter", "voter", "learner", "voter"]);
  });

  it("are slow when they take much longer than the others, and have what gossip says", () => {
    const slow = new Map([leading, answer("n2", { tookMs: 600 }), answer("n3", { tookMs: 80 })]);
    expect(part(look(new MemberHistory(), { answers: slow }), "isSlow")).toEqual([false, true, false]);
    const busy = new Map([answer("n1", { role: "leader", tookMs: 500 }), answer("n2", { tookMs: 600 })]);
    expect(part(look(new MemberHistory(), { answers: busy }), "isSlow")).toEqual([false, false, false]);
    const gossip = { members: [{ name: "n3", state: "dead" } as GossipMember] };
    const observation = look(new MemberHistory(), { gossip, full: new Set(["n2"]) });
    expect([part(observation, "gossip"), part(observation, "isDiskFull")]).toEqual([
      [null, null, "dead"],
      [false, true, false],
    ]);
  });
});
