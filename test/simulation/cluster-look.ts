import type { Clock, SimulatedProcess } from "holdfast/runtime";
import type { ClusterView, TelemetryFact } from "holdfast/telemetry";
import { mergeCluster } from "../../packages/server/src/dashboard/merge-cluster.ts";
import type { MemberPresence } from "../../packages/server/src/dashboard/member-word.ts";
import { statusDocument } from "../../packages/server/src/http/member-status.ts";
import type { SimulatedCluster, Slot } from "./simulated-cluster.ts";

/** What is remembered of a member, to see what is new. */
interface Known {
  state: SimulatedProcess["state"];
  /** Virtual time. */
  sinceMs: number;
  role: string;
  leader: string | null;
}

const rateWindowMs = 3_000;

/** A simulated cluster as the dashboard of somebody who reaches every member at once would show it. */
export class ClusterLook {
  readonly #clock: Pick<Clock, "now" | "wallTime">;
  readonly #cluster: SimulatedCluster;
  readonly #servedBy: string;
  readonly #known = new Map<string, Known>();
  #commits: { readonly atMs: number; readonly index: number }[] = [];

  constructor(clock: Pick<Clock, "now" | "wallTime">, cluster: SimulatedCluster, servedBy: string) {
    this.#clock = clock;
    this.#cluster = cluster;
    this.#servedBy = servedBy;
  }

  /** What members are since the last time. */
  news(): { readonly name: string; readonly fact: TelemetryFact }[] {
    const news: { readonly name: string; readonly fact: TelemetryFact }[] = [];
    for (const slot of this.#cluster.slots) {
      const known = this.#knownOf(slot);
      const { state } = slot.process;
      if (known.state !== state) Object.assign(known, { state, sinceMs: this.#clock.now() });
      const raft = slot.member?.node.raft;
      if (raft === undefined) {
        // In its next life it begins anew.
        known.role = "";
        known.leader = null;
        continue;
      }
      const { role, term } = raft;
      if (known.role !== role) news.push({ name: slot.name, fact: { type: "roleChanged", role, term } });
      const leader = raft.leader === 0 ? null : (this.#cluster.slot(raft.leader)?.name ?? String(raft.leader));
      if (known.leader !== leader) news.push({ name: slot.name, fact: { type: "leaderChanged", leader, term } });
      known.role = role;
      known.leader = leader;
    }
    return news;
  }

  view(): ClusterView {
    const nowMs = this.#clock.now();
    const { slots } = this.#cluster;
    const presences = new Map(
      slots.flatMap((slot) => (slot.isOut ? [] : [[slot.name, this.#presence(slot)] as const])),
    );
    const view = mergeCluster({
      at: this.#clock.wallTime(),
      nowMs,
      servedBy: this.#servedBy,
      presences,
      known: slots.filter(({ isOut }) => !isOut).map(({ name }) => ({ name, clientUrl: null, httpUrl: null })),
      processOf: (name) => {
        const slot = slots.find((one) => one.name === name);
        return slot && { isRunning: slot.process.state !== "crashed", forMs: nowMs - this.#knownOf(slot).sinceMs };
      },
      commitsPerSecond: this.#rate(nowMs),
    });
    this.#remember(view, nowMs);
    // What this process takes is no part of the simulation.
    return { ...view, members: view.members.map((member) => ({ ...member, residentBytes: null })) };
  }

  #presence(slot: Slot): MemberPresence {
    const { sinceMs } = this.#knownOf(slot);
    if (slot.member === undefined || slot.process.state !== "running") return { word: undefined, sinceMs };
    return { word: { status: statusDocument(slot.member), gossip: undefined }, sinceMs };
  }

  #knownOf({ name, process }: Slot): Known {
    const found = this.#known.get(name) ?? { state: process.state, sinceMs: this.#clock.now(), role: "", leader: null };
    this.#known.set(name, found);
    return found;
  }

  #remember({ members }: ClusterView, atMs: number): void {
    const index = Math.max(...members.map(({ commitIndex }) => commitIndex ?? 0));
    this.#commits = [...this.#commits.filter((commit) => atMs - commit.atMs <= rateWindowMs), { atMs, index }];
  }

  #rate(nowMs: number): number | null {
    const [first, last] = [this.#commits[0], this.#commits.at(-1)];
    if (first === undefined || last === undefined || nowMs - first.atMs < 500) return null;
    return Math.max(0, ((last.index - first.index) * 1_000) / Math.max(1, last.atMs - first.atMs));
  }
}
