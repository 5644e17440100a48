import { statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import type { Liveness, Observation, ObservedMember } from "holdfast/recovery";
import { leaderOf } from "../client/cluster-status.ts";
import type { MembersDocument } from "../http/members-document.ts";
import type { StatusDocument } from "../http/member-status.ts";
import { describeExit } from "../supervisor/member-process.ts";
import type { SupervisedMember } from "../supervisor/supervisor.ts";

/** What one member said of itself, and how long it took for that. */
export interface MemberAnswer {
  readonly document: StatusDocument;
  readonly tookMs: number;
}

export interface Seen {
  readonly supervised: readonly SupervisedMember[];
  /** By name, of those that answer. */
  readonly answers: ReadonlyMap<string, MemberAnswer>;
  /** As the leader has it; undefined where it tells nothing. */
  readonly gossip: MembersDocument | undefined;
  readonly isOurs: (name: string) => boolean;
  readonly lossOf: (member: SupervisedMember) => string | undefined;
  /** Names of members whose own disk is full. */
  readonly full: ReadonlySet<string>;
  readonly nowMs: number;
}

/** A member that takes longer than this to say how it is, and much longer than the others do, is slow. */
const slowAnswer = { leastMs: 400, timesTheOthers: 5 } as const;

/** The newest leader's own word, if it has given any. */
export function leaderAmong(answers: ReadonlyMap<string, MemberAnswer>): StatusDocument | undefined {
  const words = [...answers].map(([name, { document }]) => {
    const { role, term } = document.member;
    return { name, role, term };
  });
  const leader = leaderOf(words);
  return leader === null ? undefined : answers.get(leader)?.document;
}

/** Since when each member has been as it is, by name; and what its cluster's leader makes of it. */
export class MemberHistory {
  readonly #since = new Map<string, { readonly liveness: Liveness; readonly atMs: number }>();
  #leader: StatusDocument | undefined;

  observe(seen: Seen): Observation | undefined {
    const leader = leaderAmong(seen.answers);
    // Without a leader, the members are those of the last one: nothing is done until there is another.
    this.#leader = leader ?? this.#leader;
    if (this.#leader === undefined) return undefined;
    const members = this.#leader.members.map((info) => this.#member(info, leader, seen));
    const names = new Set(members.map(({ name }) => name));
    for (const name of this.#since.keys()) if (!names.has(name)) this.#since.delete(name);
    return { leader: leader?.member.id ?? null, isSettled: true, members };
  }

  #member(info: StatusDocument["members"][number], leader: StatusDocument | undefined, seen: Seen): ObservedMember {
    const { id, name, isLearner, isWitness } = info;
    const slot = seen.supervised.find(({ plan }) => plan.name === name);
    const answer = seen.answers.get(name);
    const liveness = livenessOf(slot, answer?.document, leader);
    const own = answer?.document.member;
    const isOurs = slot !== undefined || seen.isOurs(name);
    return {
      id,
      name: name === "" ? id : name,
      kind: isLearner ? "learner" : isWitness === true ? "witness" : "voter",
      isManaged: isOurs,
      liveness: isOurs ? liveness : (foreign(seen.gossip, name) ?? "answers"),
      sinceMs: this.#sinceMs(name, liveness, seen.nowMs),
      lost: lossOf(slot, isOurs, seen),
      gossip: seen.gossip?.members.find((other) => other.name === name)?.state ?? null,
      lagEntries: own === undefined || leader === undefined ? null : lag(leader, own.appliedIndex),
      isSlow: answer !== undefined && isSlow(name, answer, seen.answers),
      isDiskFull: seen.full.has(name),
      load: null,
      zone: null,
      // One whose process has ended is started again by its supervisor.
      canRestart: slot?.state === "alive",
    };
  }

  #sinceMs(name: string, liveness: Liveness, nowMs: number): number {
    const before = this.#since.get(name);
    if (before?.liveness === liveness) return nowMs - before.atMs;
    this.#since.set(name, { liveness, atMs: nowMs });
    return 0;
  }
}

function livenessOf(
  slot: SupervisedMember | undefined,
  document: StatusDocument | undefined,
  leader: StatusDocument | undefined,
): Liveness {
  if (slot?.pid === undefined) return "stopped";
  if (slot.state === "starting") return "starting";
  if (document === undefined) return "silent";
  // One that follows nobody, or another, takes no part, whatever it answers.
  if (leader !== undefined && document.member.id !== leader.member.id && document.member.leader !== leader.member.id) {
    return "silent";
  }
  return "answers";
}

/** Why it cannot run any more. */
function lossOf(slot: SupervisedMember | undefined, isOurs: boolean, seen: Seen): string | null {
  if (slot === undefined) return isOurs ? "it has no process here" : null;
  const { state, lost, lastExit } = slot;
  if (lost !== undefined || state !== "failed") return lost ?? seen.lossOf(slot) ?? null;
  return lastExit === undefined ? "given up" : `given up: ${describeExit(lastExit)}`;
}

/** A member that somebody else runs is asked by nobody here. */
function foreign(gossip: MembersDocument | undefined, name: string): Liveness | undefined {
  const state = gossip?.members.find((other) => other.name === name)?.state;
  return state === undefined ? undefined : state === "alive" ? "answers" : "silent";
}

function lag(leader: StatusDocument, appliedIndex: number): number {
  return Math.max(0, leader.member.commitIndex - appliedIndex);
}

function isSlow(name: string, { tookMs }: MemberAnswer, answers: ReadonlyMap<string, MemberAnswer>): boolean {
  const others = [...answers].flatMap(([other, answer]) => (other === name ? [] : [answer.tookMs]));
  const slowest = Math.max(0, ...others);
  return tookMs >= slowAnswer.leastMs && tookMs >= slowAnswer.timesTheOthers * slowest;
}

/** Less is no room for a log. */
const leastFreeBytes = 1024 * 1024;

/**
 * Names of members whose disk is full and is not the one on which new members are placed: there, another one would have
 * no more room.
 */
export async function membersWithFullDisk(
  supervised: readonly SupervisedMember[],
  directory: string,
): Promise<ReadonlySet<string>> {
  const full = new Set<string>();
  for (const { plan } of supervised) {
    try {
      if (statSync(plan.directory).dev === statSync(directory).dev) continue;
      const { bavail, bsize } = await statfs(plan.directory);
      if (bavail * bsize < leastFreeBytes) full.add(plan.name);
    } catch {
      // One whose directory is gone is told of otherwise.
    }
  }
  return full;
}
