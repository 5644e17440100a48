import type { Random } from "holdfast/runtime";
import type { ModelCluster } from "./model-cluster.ts";
import { between, isLive, pick, type Machine } from "./model-machine.ts";

const second = 1_000;
const minute = 60 * second;

export type ModelFault = "kill" | "destroy" | "stop" | "slow" | "fillDisk" | "cutOne" | "cutSome" | "killAll";

/** Breaks machines, at random, but never so many for good that nobody could decide any more. */
export class ModelFaults {
  readonly counts: Partial<Record<ModelFault, number>> = {};
  readonly #cluster: ModelCluster;
  readonly #random: Random;

  constructor(cluster: ModelCluster, random: Random) {
    this.#cluster = cluster;
    this.#random = random;
  }

  strike(): void {
    const kind = pick(this.#random, [
      ...(["kill", "kill", "destroy", "stop", "slow", "fillDisk", "cutOne", "cutSome", "cutSome"] as const),
      ...(this.#random.next() < 0.1 ? (["killAll"] as const) : []),
    ])!;
    if (this.#strike(kind)) this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }

  #strike(kind: ModelFault): boolean {
    const { now, machines } = this.#cluster;
    const random = this.#random;
    const live = [...machines.values()].filter((machine) => isLive(machine, now));
    const one = pick(random, live);
    if (one === undefined) return false;
    switch (kind) {
      case "kill":
        this.#kill(one);
        return true;
      case "killAll":
        for (const machine of live) this.#kill(machine);
        return true;
      case "destroy":
        if (!this.#maySpare(one)) return false;
        one.isDestroyed = true;
        return true;
      case "stop":
        one.pausedUntil = now + between(random, second, 10 * minute);
        return true;
      case "slow":
        one.slowUntil = now + between(random, second, 3 * minute);
        return true;
      case "fillDisk":
        one.fullUntil = now + between(random, second, 20 * minute);
        return true;
      case "cutOne":
        return this.#cut([one.id], between(random, second, 3 * minute));
      default: {
        const ids = [...machines.keys()].filter(() => random.next() < 0.4);
        return ids.length > 1 && this.#cut(ids, between(random, 5 * second, 110 * second));
      }
    }
  }

  /** Its own supervisor starts it again, or does not. */
  #kill(machine: Machine): void {
    const { now } = this.#cluster;
    const isStarted = this.#random.next() < 0.6;
    machine.runsFrom = isStarted ? now + between(this.#random, second, 20 * second) : Number.POSITIVE_INFINITY;
  }

  #cut(ids: readonly string[], forMs: number): boolean {
    const { now, cut } = this.#cluster;
    if (cut !== undefined && cut.until + 30 * second > now) return false;
    this.#cluster.cut = { inside: new Set(ids), from: now, until: now + forMs };
    return true;
  }

  /** Also when one that joins was to vote, and be destroyed, too. */
  #maySpare(one: Machine): boolean {
    const members = [...this.#cluster.machines.values()];
    const left = members.filter((machine) => machine !== one && !machine.isDestroyed).length;
    return left * 2 > members.length;
  }
}
