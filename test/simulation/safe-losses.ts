import type { NodeId, Raft } from "holdfast/consensus";
import type { World } from "holdfast/runtime";
import type { SimulatedCluster, Slot } from "./simulated-cluster.ts";

/**
 * Which machines may burn down, though a majority is left.
 *
 * Where a member still holds a configuration that its leader does not, the leader may not: a learner there may hold newer
 * entries of the leader's than any voter, and stands for no election itself, while whoever counts it in needs its vote.
 *
 * Where there are witnesses: a witness may hold more than a member with state that has
 * fallen behind, and counts in its place; whoever loses the third one then has lost what only that held. So a leader may
 * be lost only while another one with state keeps up, and has what this leader held when that began.
 */
export class SafeLosses {
  readonly #cluster: SimulatedCluster;
  #leader: Raft | undefined;
  #term = 0;
  /** The last index of the leader's log when these members began to keep up. */
  readonly #keepingUp = new Map<NodeId, number>();

  constructor(world: World, cluster: SimulatedCluster) {
    this.#cluster = cluster;
    world.onStep(() => this.#look());
  }

  mayLose(slot: Slot): boolean {
    const { leader } = this.#cluster;
    const raft = leader?.member?.node.raft;
    if (raft === undefined) return false;
    if (leader === slot && this.#holdsAnother(raft)) return false;
    if (raft.configuration.witnesses.length === 0 || slot.isWitness) return true;
    // It has begun to lead for good: no older entry that a witness holds is newer than what this one holds.
    if (leader !== slot) return raft.log.termAt(raft.syncedIndex) === raft.term;
    this.#look();
    return [...this.#keepingUp].some(([id, from]) => {
      const other = this.#cluster.slot(id);
      return other?.member !== undefined && !other.isOut && (raft.progress.get(id)?.match ?? 0) >= from;
    });
  }

  /** Whether a voter's latest configuration is one that this leader's log has not, or may be, as it does not run. */
  #holdsAnother({ configurations, configuration }: Raft): boolean {
    const known = new Set(configurations.map((one) => JSON.stringify(one)));
    return this.#cluster.slots.some(({ id, member, isOut }) => {
      if (isOut || !configuration.voters.includes(id)) return false;
      const latest = member?.node.raft.configurations.at(-1);
      return latest === undefined || (latest.index > configurations[0]!.index && !known.has(JSON.stringify(latest)));
    });
  }

  #look(): void {
    const raft = this.#cluster.leader?.member?.node.raft;
    if (raft !== this.#leader || raft?.term !== this.#term) {
      this.#leader = raft;
      this.#term = raft?.term ?? 0;
      this.#keepingUp.clear();
    }
    if (raft === undefined || raft.configuration.witnesses.length === 0) return;
    const { voters, witnesses } = raft.configuration;
    for (const id of voters) {
      const progress = raft.progress.get(id);
      if (witnesses.includes(id) || progress === undefined || id === raft.id) continue;
      const { heardAt, next } = progress;
      if (raft.now - heardAt >= raft.electionTimeoutMs || next <= raft.log.lastIndex) this.#keepingUp.delete(id);
      else if (!this.#keepingUp.has(id)) this.#keepingUp.set(id, raft.log.lastIndex);
    }
    for (const id of this.#keepingUp.keys()) if (!voters.includes(id)) this.#keepingUp.delete(id);
  }
}
