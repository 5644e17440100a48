import { isJoint, learnerReady, type Raft } from "holdfast/consensus";
import { CoordinationError, type MembersSeen, type ReplicatedMember } from "holdfast/coordination";
import type { HealingOrder, HealingPorts, HealingResult, Observation, ObservedMember } from "holdfast/recovery";
import type { Clock } from "holdfast/runtime";
import type { SimulatedCluster, Slot } from "../simulated-cluster.ts";
import { withinTime } from "../within-time.ts";

/** What a healer beside a member needs. */
export interface RoomOptions {
  readonly cluster: SimulatedCluster;
  /** The member beside which it runs. */
  readonly slot: Slot;
  readonly clock: Clock;
  /** Whether it is told that a machine has burnt down. */
  readonly knowsLoss: boolean;
}

const patienceMs = 6_000;
const longMs = 3_600_000;

/**
 * How a healer beside a real member sees the cluster and treats it, while that member leads: by what its Raft knows of the
 * others, and through its own member's changes of the cluster. Whoever has the machines does as it is told.
 */
export function roomOf(options: RoomOptions): HealingPorts {
  let leadingSince: number | undefined;
  let term = 0;

  function observe(): Observation | undefined {
    const { slot, clock } = options;
    const raft = slot.process.state === "running" ? slot.member?.node.raft : undefined;
    if (raft?.role !== "leader") {
      leadingSince = undefined;
      return undefined;
    }
    if (leadingSince === undefined || raft.term !== term) leadingSince = clock.now();
    term = raft.term;
    // To a leader that has just begun everybody seems to be there.
    return clock.now() - leadingSince < raft.electionTimeoutMs ? undefined : observed(raft, options);
  }

  return {
    observe: () => Promise.resolve(observe()),
    async act(order, { recheck }) {
      const observation = observe();
      const against = observation === undefined ? "it does not lead any more" : recheck(observation);
      if (against !== undefined) return { outcome: "refused", reason: against };
      return await perform(order, options);
    },
  };
}

function observed(raft: Raft, { cluster, knowsLoss }: RoomOptions): Observation {
  const { voters, learners } = raft.configuration;
  const one = (id: number, kind: "voter" | "learner"): ObservedMember => {
    const progress = raft.progress.get(id);
    const heardMsAgo = id === raft.id ? 0 : raft.now - (progress?.heardAt ?? raft.now);
    const answers = heardMsAgo < raft.electionTimeoutMs;
    const slot = cluster.slot(id);
    const isBehind = kind === "learner" && !learnerReady(raft, id);
    return {
      id: String(id),
      name: slot?.name ?? String(id),
      kind,
      isManaged: true,
      liveness: answers ? "answers" : "silent",
      sinceMs: answers ? longMs : heardMsAgo,
      lost: knowsLoss && slot?.isOut === true ? "its machine is gone" : null,
      gossip: null,
      lagEntries: isBehind
        ? longMs
        : Math.max(0, raft.commit - (id === raft.id ? raft.commit : (progress?.match ?? 0))),
      isSlow: false,
      isDiskFull: false,
      load: null,
      zone: null,
      canRestart: true,
    };
  };
  const members = [...voters.map((id) => one(id, "voter")), ...learners.map((id) => one(id, "learner"))];
  const isSettled = raft.configurations.at(-1)!.index <= raft.commit && !isJoint(raft.configuration);
  return { leader: String(raft.id), isSettled, members };
}

async function perform({ action, seen }: HealingOrder, options: RoomOptions): Promise<HealingResult> {
  const { cluster } = options;
  const ids = (list: readonly string[]): bigint[] => list.map(BigInt);
  const ifMembers: MembersSeen = { voters: ids(seen.voters), learners: ids(seen.learners) };
  switch (action.type) {
    case "restart":
      return restart(cluster, cluster.slot(Number(action.member)));
    case "addLearner": {
      const fresh = cluster.slots.find(({ isOut, lives, isExpected }) => isOut && lives === 0 && !isExpected);
      if (fresh === undefined) return { outcome: "failed", reason: "there are no more machines" };
      fresh.isExpected = true;
      const request = { peerUrls: [`http://${fresh.process.host}:2380`], name: fresh.name, isLearner: true };
      const result = await ask(options, (member) => member.cluster.memberAdd(request, { ifMembers }));
      if (result.outcome === "refused") fresh.isExpected = false;
      return result;
    }
    case "promote":
      return ask(options, (member) => member.cluster.memberPromote(BigInt(action.member), { ifMembers }));
    case "remove": {
      const result = await ask(options, (member) => member.cluster.memberRemove(BigInt(action.member), { ifMembers }));
      const slot = cluster.slot(Number(action.member));
      if (result.outcome === "done" && slot !== undefined && !slot.isOut) cluster.retire(slot, "kill");
      return result;
    }
    case "transferLeadership":
      return ask(options, (member) => member.cluster.moveLeader(BigInt(action.to)));
    default:
      return { outcome: "failed", reason: "there is nothing to move" };
  }
}

function restart(cluster: SimulatedCluster, slot: Slot | undefined): HealingResult {
  if (slot === undefined || slot.isOut) return { outcome: "failed", reason: "nothing starts there" };
  if (slot.process.state !== "crashed") cluster.stop(slot, "kill");
  cluster.start(slot);
  cluster.count("healed-by-restart", slot);
  return { outcome: "done" };
}

async function ask(
  { cluster, slot, clock }: RoomOptions,
  call: (member: ReplicatedMember) => Promise<unknown>,
): Promise<HealingResult> {
  try {
    const answer = await withinTime(clock, patienceMs, cluster.ask(slot, call));
    return answer === undefined ? { outcome: "unknown", reason: "no answer came" } : { outcome: "done" };
  } catch (error) {
    if (!(error instanceof CoordinationError)) throw error;
    return { outcome: error.code === "TIMED_OUT" ? "unknown" : "refused", reason: error.code };
  }
}
