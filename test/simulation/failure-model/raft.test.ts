import type { PeerMessage } from "holdfast/consensus";
import { checkFaults } from "holdfast/proof";
import { describe, expect, it } from "vitest";
import { runCluster } from "../run.ts";
import { electionTimeoutMs, observeRaft, quiet } from "./raft-observation.ts";

interface Row {
  readonly fault: { readonly type: string; readonly [option: string]: unknown };
  readonly happened: string | undefined;
  /** Whether the leader, whom the fault strikes, is replaced, and within what. */
  readonly elected: number | "nobody" | "perhaps";
  /** The longest time in which no client had a write acknowledged. */
  readonly gapMs: number;
}

/** An election begins after one to two timeouts, and a second one may be needed. */
const electedMs = 4 * electionTimeoutMs;
/** And clients ask a member that does not answer for two timeouts, each up to two such in a row. */
const replaced = { elected: electedMs, gapMs: electedMs + 8 * electionTimeoutMs } as const;
const stays = { elected: "nobody", gapMs: 2 * electionTimeoutMs } as const;

const rows: readonly Row[] = [
  { fault: { type: "crash" }, happened: "crash", ...replaced },
  { fault: { type: "failStop" }, happened: "fail-stop", ...replaced },
  { fault: { type: "slow" }, happened: "pause", ...replaced },
  { fault: { type: "slow", share: 0.6 }, happened: "pause", ...stays },
  { fault: { type: "byzantine", behaviour: "silent" }, happened: "message-silenced", ...replaced },
  {
    fault: { type: "byzantine", behaviour: "delayed", delayMs: 100 },
    happened: "message-delayed",
    elected: "nobody",
    gapMs: 1_500,
  },
  { fault: { type: "byzantine", behaviour: "delayed", delayMs: 2_000 }, happened: "message-delayed", ...replaced },
  { fault: { type: "byzantine", behaviour: "duplicate" }, happened: "message-duplicated", ...stays },
  { fault: { type: "partition" }, happened: "partition", ...replaced },
  { fault: { type: "partition", shape: "oneWay" }, happened: "partition", ...replaced },
  { fault: { type: "clog" }, happened: "clog", ...replaced },
  { fault: { type: "reset", durationMs: 0 }, happened: "connection-reset", ...stays },
  { fault: { type: "delay", delayMs: 20, jitterMs: 5 }, happened: undefined, ...stays },
  { fault: { type: "loss", share: 0.05 }, happened: "stream-retransmitted", elected: "perhaps", gapMs: 3_000 },
  { fault: { type: "duplication", share: 0.5 }, happened: "message-duplicated", ...stays },
  { fault: { type: "reordering", share: 0.5, withinMs: 50 }, happened: "message-late", ...stays },
  { fault: { type: "clockSkew", byMs: 3_600_000 }, happened: "wall-jump", ...stays },
  { fault: { type: "clockDrift", ppm: -600_000 }, happened: "clock-drift", elected: "perhaps", gapMs: 1_500 },
  { fault: { type: "clockDrift", ppm: 500_000 }, happened: "clock-drift", ...stays },
  { fault: { type: "clockStop" }, happened: "clock-stopped", elected: "perhaps", gapMs: 3_000 },
  { fault: { type: "slowDisk", extraMs: 100 }, happened: "slow-sync", ...stays },
  { fault: { type: "failingSync", durationMs: 50 }, happened: "sync-failed", ...replaced },
  { fault: { type: "fullDisk" }, happened: "disk-full", elected: "perhaps", gapMs: 3_000 },
];

describe("what Raft makes of", () => {
  it.each(rows.map((row) => [JSON.stringify(row.fault), row] as const))(
    "%s at the leader of three",
    async (_, { fault, happened, elected, gapMs }) => {
      for (const seed of [1, 2, 3]) {
        const observed = await observeRaft(seed, [fault]);
        // Every invariant after every step, agreement once it is over, and a linearizable history.
        expect(observed.result.violation).toBeUndefined();
        if (happened !== undefined) expect(observed.result.faults[happened], happened).toBeGreaterThan(0);
        if (elected === "nobody") expect(observed.elections).toBe(0);
        if (typeof elected === "number") expect(observed.firstElectionMs).toBeLessThan(elected);
        expect(observed.longestGapMs).toBeLessThan(gapMs);
        expect(observed.result.operations).toBeGreaterThan(300);
      }
    },
  );

  it("bits turned on a disk: a member that finds them refuses to start, and the others go on", async () => {
    let lost = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const { result, longestGapMs } = await observeRaft(seed, [
        { type: "corruptDisk", bits: 5, targets: ["n0"], durationMs: 1 },
        { type: "crash", how: "kill", targets: ["n0"], atMs: 4_001, durationMs: 500 },
      ]);
      expect(result.violation).toBeUndefined();
      expect(result.faults["bit-rot"]).toBe(5);
      expect(longestGapMs).toBeLessThan(replaced.gapMs);
      lost += result.faults["member-lost"] ?? 0;
    }
    // A bit in what is not read any more does no harm.
    expect(lost).toBeGreaterThan(2);
  });
});

describe("a member that lies", () => {
  /** n0 and n1 hear n2 only, and stand for election at about the same time. */
  const apart = { type: "partition", shape: "bridge", targets: ["n2", "n0"], atMs: 0, durationMs: 3_000 };
  const lies = { type: "byzantine", behaviour: "wrong", targets: ["n2"], atMs: 0, durationMs: 3_000 };
  const parameters = { ...quiet, busyMs: 3_000, network: { latencyMs: 60, jitterMs: 10 } };

  /** It votes for everyone who asks. */
  function votesForAll(message: PeerMessage): PeerMessage | undefined {
    return message.type === "voteResult" && !message.granted ? { ...message, granted: true } : undefined;
  }

  it("can make two leaders in one term, which the invariants see: Raft does not promise to tolerate that", async () => {
    const outcomes: (string | undefined)[] = [];
    for (let seed = 1; seed <= 10; seed++) {
      const schedule = (...faults: object[]) => checkFaults({ seed, lengthMs: 3_000, faults });
      const honest = await runCluster({ seed, parameters, schedule: schedule(apart) });
      expect(honest.violation).toBeUndefined();
      const lying = await runCluster({ seed, parameters, falsify: votesForAll, schedule: schedule(apart, lies) });
      if (lying.violation === undefined) continue;
      expect(lying.violation.detail).toMatch(/^election safety: n\d and n\d both lead in term \d+$/);
      expect(lying.faults["message-wrong"]).toBeGreaterThan(0);
      outcomes.push(lying.violation.invariant);
    }
    expect(outcomes.length).toBeGreaterThan(2);
  });

  it("about anything can make logs differ, or keep the cluster from agreeing when it is over", async () => {
    const broken = new Set<string>();
    for (let seed = 1; seed <= 6; seed++) {
      const { result } = await observeRaft(seed, [{ type: "byzantine", behaviour: "wrong" }]);
      expect(result.faults["message-wrong"]).toBeGreaterThan(0);
      if (result.violation !== undefined) broken.add(result.violation.invariant);
    }
    expect([...broken]).not.toEqual([]);
    expect(broken).toContain("log matching");
  });
});
