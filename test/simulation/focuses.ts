import type { Parameters } from "./parameters.ts";

export type FocusName =
  | "newLeaders"
  | "lostLeaders"
  | "powerCuts"
  | "voters"
  | "readers"
  | "leaders"
  | "members"
  | "changingLeaders"
  | "lostMachines"
  | "requests"
  | "snapshots"
  | "transfers"
  | "leases"
  | "wakingLeaders"
  | "witnesses"
  | "compactions";

/** Nothing goes wrong by itself. */
const smooth = { loss: 0, duplicate: 0, late: 0, lateMs: 10, slowSync: 0, syncError: 0 } as const;

/**
 * Parameters that together reach what wide ranges rarely do: elections upset again and again, votes forgotten between
 * two candidates, leaders deposed without knowing while many read, members that change while leaders do.
 */
export const focuses: Readonly<Record<FocusName, Partial<Parameters>>> = {
  newLeaders: { faultKinds: ["crashNewLeader"], faultEveryMs: 50, maxAppendBytes: 1, members: 3 },
  lostLeaders: { faultKinds: ["crashNewLeader", "isolateLeader"], faultEveryMs: 50, maxAppendBytes: 1, members: 5 },
  /** What is not on disks is gone, everywhere at once. */
  powerCuts: {
    members: 3,
    clients: 6,
    thinkMs: 20,
    faultKinds: ["crashAll", "crashLeader"],
    faultEveryMs: 200,
    disk: { syncMs: 8 },
    maxAppendBytes: 256,
    always: smooth,
  },
  voters: {
    faultKinds: ["crashVoter", "crashNewLeader", "bridge"],
    members: 3,
    always: { loss: 0, duplicate: 0.3, late: 0.3, lateMs: 100, slowSync: 0, syncError: 0 },
  },
  readers: {
    faultKinds: ["isolateLeader", "slowLeader"],
    faultEveryMs: 200,
    // Of one member alone, with nothing to stop it, clients would see more than can be checked.
    members: 3,
    clients: 6,
    keys: 1,
    thinkMs: 5,
    reads: "quorum",
  },
  leaders: { faultKinds: ["crashLeader", "oneWay", "pause"] },
  /** Voters come and go, several at a time, while members are cut off. */
  members: {
    members: 3,
    spares: 4,
    operations: { kinds: ["addVoter", "addLearner", "replaceMany", "twoAtOnce", "remove"], everyMs: 100 },
    faultKinds: ["isolate", "isolateLeader", "partition"],
    always: smooth,
  },
  /** Changes that a leader begins at once, and does not live to end. */
  changingLeaders: {
    members: 4,
    spares: 3,
    operations: { kinds: ["changeAtOnce", "removeLeader", "twoAtOnce", "transfer"], everyMs: 100 },
    faultKinds: ["crashLeader", "isolateLeader"],
    always: smooth,
  },
  /** Machines are lost for ever, and replaced by empty ones. */
  lostMachines: {
    members: 3,
    spares: 4,
    operations: { kinds: ["loseOne"], everyMs: 400 },
    faultKinds: ["crash", "kill", "isolateLeader"],
    faultEveryMs: 200,
    snapshotEntries: 60,
    trailingEntries: 10,
  },
  /** Members are changed by whoever asks any of them. */
  requests: {
    members: 3,
    spares: 4,
    operations: { kinds: ["memberAdd", "memberRemove", "memberPromote", "moveLeader"], everyMs: 100 },
    faultKinds: ["crashLeader", "isolateLeader", "pause"],
    faultEveryMs: 500,
  },
  /** Members that fall behind and are brought up to date, with leases and watchers on them. */
  snapshots: {
    members: 3,
    clients: 3,
    keys: 4,
    thinkMs: 20,
    snapshotEntries: 20,
    trailingEntries: 0,
    faultKinds: ["crash", "isolate", "pause"],
    faultEveryMs: 200,
    lostAnswers: 0.2,
    watchers: 3,
    holders: 3,
  },
  /** Leaders that hand over, to members that have just come back, too. */
  transfers: {
    members: 3,
    operations: { kinds: ["transfer"], everyMs: 50 },
    faultKinds: ["crash", "isolate", "clog"],
    clients: 6,
    thinkMs: 5,
    keys: 4,
    snapshotEntries: 60,
    trailingEntries: 0,
  },
  /** Leaders that believe in their leases, and stand still or are not heard. */
  leases: {
    members: 3,
    clients: 6,
    keys: 1,
    thinkMs: 5,
    reads: "lease",
    clockDriftRatio: 0.05,
    faultKinds: ["pauseLeader", "muteLeader", "farLeader"],
    faultEveryMs: 200,
  },
  /** Leaders that wake up with a read to answer before they look at the time. */
  wakingLeaders: {
    members: 3,
    clients: 6,
    keys: 1,
    thinkMs: 5,
    reads: "lease",
    heartbeatMs: 100,
    electionTimeoutMs: 300,
    faultKinds: ["pauseLeader"],
    faultEveryMs: 1_000,
    always: smooth,
  },
  /** Two that hold the state and a witness, all of which fail; machines are lost for ever. */
  witnesses: {
    members: 3,
    witnesses: 1,
    spares: 4,
    operations: { kinds: ["loseOne", "loseOne", "addWitness", "removeLeader", "memberRemove"], everyMs: 400 },
    faultKinds: ["crash", "kill", "isolate", "isolateLeader", "crashLeader"],
    faultEveryMs: 500,
    snapshotEntries: 60,
    trailingEntries: 10,
  },
  /** History goes while watchers are behind, and members that come back are sent what is left of it. */
  compactions: {
    members: 3,
    clients: 2,
    keys: 4,
    thinkMs: 20,
    busyMs: 8_000,
    heartbeatMs: 50,
    electionTimeoutMs: 250,
    snapshotEntries: 20,
    trailingEntries: 0,
    faultKinds: ["crash", "isolate", "pause"],
    faultEveryMs: 1_000,
    always: smooth,
    watchers: 3,
    compactEveryMs: 100,
  },
};
