import type { RaftNode } from "../consensus/index.ts";
import type { MemberContact, MemberStatus } from "./coordination.ts";
import type { KeyValueStateMachine } from "./key-value/key-value-state-machine.ts";

/** A replicated member's own view of itself. */
export function memberStatus({ raft, applied, logBytes }: RaftNode, machine: KeyValueStateMachine): MemberStatus {
  const { revision, storeBytes, cluster } = machine;
  return {
    role: raft.role === "preCandidate" ? "candidate" : raft.role,
    term: raft.term,
    leader: BigInt(raft.leader),
    commitIndex: raft.commit,
    appliedIndex: applied,
    revision,
    storeBytes,
    logBytes,
    isLearner: raft.configuration.learners.includes(raft.id),
    ...(raft.witness ? { isWitness: true } : {}),
    ...(raft.diskStalled ? { isDiskStalled: true } : {}),
    alarms: cluster.alarms,
  };
}

/** Which of the others a replicated member hears. */
export function memberContacts(node: RaftNode): readonly MemberContact[] {
  return node.contacts().map(({ peer, state, lastHeardMs = null }) => ({ id: BigInt(peer), state, lastHeardMs }));
}
