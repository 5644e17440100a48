import { checkFaults, type HistoryEvent } from "holdfast/proof";
import type { Parameters } from "../parameters.ts";
import { runCluster, type RunResult } from "../run.ts";

export const electionTimeoutMs = 250;
const busyMs = 12_000;
const beginsMs = 4_000;
const lastsMs = 4_000;

/** A quiet cluster in a good network, with clients that never rest. */
export const quiet: Parameters = {
  members: 3,
  witnesses: 0,
  clients: 3,
  keys: 3,
  thinkMs: 20,
  busyMs,
  heartbeatMs: 50,
  electionTimeoutMs,
  snapshotEntries: 200,
  trailingEntries: 20,
  segmentBytes: 16 * 1024,
  maxAppendBytes: 256 * 1024,
  network: { latencyMs: 1, jitterMs: 1 },
  clock: { maxSkewMs: 0, maxDriftPpm: 0 },
  disk: { syncMs: 1 },
  always: { loss: 0, duplicate: 0, late: 0, lateMs: 0, slowSync: 0, syncError: 0 },
  lostAnswers: 0,
  faultEveryMs: 1_000,
  faultKinds: [],
  reads: "quorum",
  clockDriftRatio: 0.1,
  spares: 0,
  operations: { kinds: [], everyMs: 1_000 },
  watchers: 0,
  holders: 0,
  compactEveryMs: 0,
};

export interface RaftObserved {
  readonly result: Omit<RunResult, "schedule">;
  /** Elections won after the fault began, and when the first was, from then. */
  readonly elections: number;
  readonly firstElectionMs: number | undefined;
  /** The longest time without an acknowledged write, from the fault's beginning to the end of the load. */
  readonly longestGapMs: number;
}

/** A cluster that one fault strikes in the middle of its work; the invariants are checked all the while. */
export async function observeRaft(seed: number, faults: readonly object[]): Promise<RaftObserved> {
  let events: readonly HistoryEvent[] = [];
  const electedAt: number[] = [];
  const description = checkFaults({
    seed,
    lengthMs: busyMs,
    faults: faults.map((fault) => ({ targets: "leader", atMs: beginsMs, durationMs: lastsMs, ...fault })),
  });
  const result = await runCluster({
    seed,
    parameters: quiet,
    schedule: description,
    watch(world, cluster, recorder) {
      events = recorder.events;
      const terms = new Set<number>();
      world.onStep(() => {
        for (const { member } of cluster.running) {
          const { role, term } = member!.node.raft;
          if (role !== "leader" || terms.has(term)) continue;
          terms.add(term);
          if (world.clock.now() >= beginsMs) electedAt.push(world.clock.now() - beginsMs);
        }
      });
    },
  });
  const written = events
    .filter(({ type, f, timeNs }) => type === "ok" && f !== "get" && timeNs <= busyMs * 1e6)
    .map(({ timeNs }) => timeNs / 1e6);
  let longestGapMs = 0;
  let last = beginsMs;
  for (const time of [...written.filter((time) => time > beginsMs), busyMs]) {
    longestGapMs = Math.max(longestGapMs, time - last);
    last = time;
  }
  return { result, elections: electedAt.length, firstElectionMs: electedAt[0], longestGapMs };
}
