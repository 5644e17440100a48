import { describe, expect, it } from "vitest";
import { configurationOf, type Configuration } from "../../consensus/index.ts";
import type { ClusterRequest } from "./cluster-change.ts";
import type { MembersSeen } from "./cluster.ts";
import { judge, type ClusterView } from "./cluster-rules.ts";

const url = (id: number): string => `http://host${id}:2380`;

interface Given {
  readonly voters: readonly number[];
  readonly learners?: readonly number[];
  readonly witnesses?: readonly number[];
  readonly started?: readonly number[];
  readonly heard?: readonly number[];
  readonly ready?: readonly number[];
}

/** Member 1 leads; what is not said is well. */
function view({
  voters,
  learners = [],
  witnesses = [],
  started = voters,
  heard = voters,
  ready = learners,
}: Given): ClusterView {
  const configuration: Configuration = { ...configurationOf(voters), learners, witnesses };
  return {
    configuration,
    self: 1,
    isStarted: (id) => started.includes(id),
    isHeard: (id) => heard.includes(id),
    isReady: (id) => ready.includes(id),
    peerUrlsOf: (id) => [url(id)],
  };
}

function verdictOn(request: ClusterRequest, given: Given): unknown {
  const judged = judge(request, view(given));
  return judged.verdict === "refused" ? judged.code : judged.verdict === "change" ? judged.changes : judged.verdict;
}

const add = (isLearner: boolean, of: number = 9): ClusterRequest => {
  return { type: "memberAdd", id: BigInt(of), name: "", peerUrls: [url(of)], isLearner };
};
const witness: ClusterRequest = {
  type: "memberAdd",
  id: 9n,
  name: "",
  peerUrls: [url(9)],
  isLearner: false,
  isWitness: true,
};
const about = (type: "memberRemove" | "memberPromote" | "moveLeader", id: number): ClusterRequest => {
  return { type, id: BigInt(id) };
};

const learner = [{ type: "addLearner", id: 9, address: "host9:2380" }];

describe("the leader judges", () => {
  it.each<[string, Given, ClusterRequest, unknown]>([
    ["a voter", { voters: [1, 2, 3] }, add(false), [{ type: "addVoter", id: 9, address: "host9:2380" }]],
    ["a learner", { voters: [1, 2, 3] }, add(true), learner],
    ["one that was added before", { voters: [1, 2, 9] }, add(false), "done"],
    ["the second of one: not to vote before it runs", { voters: [1] }, add(false), learner],
    ["the third, with one that never ran", { voters: [1, 2], started: [1] }, add(false), "NOT_ENOUGH_STARTED"],
    ["the fourth, with two that never ran", { voters: [1, 2, 3], started: [1] }, add(false), "NOT_ENOUGH_STARTED"],
    ["one while another is away", { voters: [1, 2, 3], heard: [1, 2] }, add(false), "UNHEALTHY_CLUSTER"],
    ["a learner while a voter is away", { voters: [1, 2, 3], heard: [1, 2] }, add(true), "UNHEALTHY_CLUSTER"],
    ["a witness", { voters: [1, 2] }, witness, [{ type: "addWitness", id: 9, address: "host9:2380" }]],
    ["a witness to one alone: it could not be spared", { voters: [1] }, witness, "NOT_ENOUGH_STARTED"],
    ["a witness too many", { voters: [1, 2, 3, 4], witnesses: [3, 4] }, witness, "NOT_ENOUGH_STARTED"],
    ["a second learner", { voters: [1], learners: [2] }, add(true), "TOO_MANY_LEARNERS"],
  ])("the addition of %s", (_, given, request, expected) => {
    expect(verdictOn(request, given)).toEqual(expected);
  });

  it("an address that is taken", () => {
    const request: ClusterRequest = { type: "memberAdd", id: 9n, name: "", peerUrls: [url(2)], isLearner: false };
    expect(verdictOn(request, { voters: [1, 2, 3] })).toBe("PEER_URL_EXISTS");
    const move = { type: "memberUpdate", id: 3n, peerUrls: [url(2)] } as const;
    expect(verdictOn(move, { voters: [1, 2, 3] })).toBe("PEER_URL_EXISTS");
    const stay = { type: "memberUpdate", id: 3n, peerUrls: [url(3)] } as const;
    expect(verdictOn(stay, { voters: [1, 2, 3] })).toEqual([{ type: "updateAddress", id: 3, address: "host3:2380" }]);
    expect(verdictOn({ ...stay, id: 5n }, { voters: [1, 2, 3] })).toBe("MEMBER_NOT_FOUND");
  });

  const removed = (id: number): unknown => [{ type: "remove", id }];
  it.each<[string, Given, number, unknown]>([
    ["one of three", { voters: [1, 2, 3] }, 2, removed(2)],
    ["the leader of three", { voters: [1, 2, 3] }, 1, removed(1)],
    ["one that is away", { voters: [1, 2, 3], heard: [1, 2] }, 3, removed(3)],
    ["one that is there while another is away", { voters: [1, 2, 3], heard: [1, 2] }, 2, "UNHEALTHY_CLUSTER"],
    ["the leader while another is away", { voters: [1, 2, 3], heard: [1, 2] }, 1, "UNHEALTHY_CLUSTER"],
    ["one of two", { voters: [1, 2] }, 2, removed(2)],
    ["one of five, two of them away", { voters: [1, 2, 3, 4, 5], heard: [1, 2, 3] }, 3, "UNHEALTHY_CLUSTER"],
    ["one of five, another away", { voters: [1, 2, 3, 4, 5], heard: [1, 2, 3, 4] }, 3, removed(3)],
    ["one of two with a witness", { voters: [1, 2, 3], witnesses: [3] }, 2, removed(2)],
    ["the last beside a witness", { voters: [1, 3], witnesses: [3] }, 1, "NOT_ENOUGH_STARTED"],
    ["a witness", { voters: [1, 2, 3], witnesses: [3] }, 3, removed(3)],
    ["the last", { voters: [1] }, 1, "NOT_ENOUGH_STARTED"],
    ["the one that runs of two", { voters: [1, 2], started: [1] }, 1, "NOT_ENOUGH_STARTED"],
    ["one that never ran", { voters: [1, 2], started: [1], heard: [1] }, 2, removed(2)],
    ["a learner, whoever is away", { voters: [1, 2, 3], heard: [1], learners: [4] }, 4, removed(4)],
    ["one that is gone", { voters: [1, 2, 3] }, 7, "done"],
  ])("the removal of %s", (_, given, id, expected) => {
    expect(verdictOn(about("memberRemove", id), given)).toEqual(expected);
  });

  it.each<[string, Given, number, unknown]>([
    ["one that is ready", { voters: [1], learners: [4], started: [1, 4] }, 4, [{ type: "promote", id: 4 }]],
    ["one that is behind", { voters: [1], learners: [4], started: [1, 4], ready: [] }, 4, "LEARNER_NOT_READY"],
    ["one where two never ran", { voters: [1, 2, 3], learners: [4], started: [1, 4] }, 4, "NOT_ENOUGH_STARTED"],
    ["one that votes already", { voters: [1, 4] }, 4, "done"],
    ["nobody", { voters: [1] }, 4, "MEMBER_NOT_FOUND"],
  ])("the promotion of %s", (_, given, id, expected) => {
    expect(verdictOn(about("memberPromote", id), given)).toEqual(expected);
  });

  const three = { voters: [1n, 2n, 3n], learners: [] };
  const withOne = { voters: [1n, 2n, 3n], learners: [9n] };
  const withFour = { voters: [1n, 2n, 3n, 9n], learners: [] };
  const remove = (id: number, ifMembers: MembersSeen): ClusterRequest => {
    return { type: "memberRemove", id: BigInt(id), ifMembers };
  };
  const promote = (ifMembers: MembersSeen): ClusterRequest => ({ type: "memberPromote", id: 9n, ifMembers });
  const addMeant = { ...(add(true) as Extract<ClusterRequest, { type: "memberAdd" }>), ifMembers: three };
  it.each<[string, Given, ClusterRequest, unknown]>([
    ["adds a learner while a voter is away", { voters: [1, 2, 3], heard: [1, 2] }, addMeant, learner],
    ["adds nobody without a majority", { voters: [1, 2, 3], heard: [1] }, addMeant, "UNHEALTHY_CLUSTER"],
    ["adds nobody to others", { voters: [1, 2, 4], heard: [1, 2] }, addMeant, "MEMBERS_CHANGED"],
    ["does not add again", { voters: [1, 2, 3], learners: [9] }, addMeant, "done"],
    ["adds no second one", { voters: [1, 2, 3], learners: [8] }, addMeant, "MEMBERS_CHANGED"],
    [
      "promotes while a voter is away",
      { voters: [1, 2, 3], learners: [9], started: [1, 2, 3, 9], heard: [1, 2, 9] },
      promote(withOne),
      [{ type: "promote", id: 9 }],
    ],
    [
      "promotes nobody where a majority would be missing",
      { voters: [1, 2, 3], learners: [9], started: [1, 2, 3, 9], heard: [1, 9] },
      promote(withOne),
      "UNHEALTHY_CLUSTER",
    ],
    ["does not promote again", { voters: [1, 2, 3, 9] }, promote(withOne), "done"],
    ["removes one that is away", { voters: [1, 2, 3, 9], heard: [1, 2, 9] }, remove(3, withFour), removed(3)],
    [
      "removes nobody where a majority is missing",
      { voters: [1, 2, 3, 9], heard: [1] },
      remove(3, withFour),
      "UNHEALTHY_CLUSTER",
    ],
    ["does not remove again", { voters: [1, 2, 9] }, remove(3, withFour), "done"],
    ["removes nobody from others", { voters: [1, 2, 3] }, remove(3, withFour), "MEMBERS_CHANGED"],
  ])("what is meant for certain members: %s", (_, given, request, expected) => {
    expect(verdictOn(request, given)).toEqual(expected);
  });

  it("who is to lead", () => {
    const given = { voters: [1, 2, 5], learners: [3], witnesses: [5] };
    expect([1, 2, 3, 4, 5].map((id) => verdictOn(about("moveLeader", id), given))).toEqual([
      "done",
      "transfer",
      "BAD_LEADER_TRANSFEREE",
      "BAD_LEADER_TRANSFEREE",
      "BAD_LEADER_TRANSFEREE",
    ]);
  });
});
