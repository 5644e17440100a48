import { CoordinationError, type WatchEvent, type Watcher } from "holdfast/coordination";
import type { Clock, Random } from "holdfast/runtime";
import { InvariantViolation } from "./invariant-violation.ts";
import { drawOne, type SimulatedCluster, type Slot } from "./simulated-cluster.ts";
import { withinTime } from "./within-time.ts";

const decoder = new TextDecoder();
const empty = new Uint8Array(0);
const fromKey = Uint8Array.of(0);

/** A client that watches all keys, at one member after the other, from where it was told last. */
export class Watching {
  /** What it was told, in words. */
  readonly told: string[] = [];
  readonly #cluster: SimulatedCluster;
  readonly #clock: Clock;
  readonly #random: Random;
  /** The first revision that it has not been told of; an empty store is at 1. */
  #next = 2;

  constructor(cluster: SimulatedCluster, clock: Clock, random: Random) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#random = random;
  }

  async work(untilMs: number): Promise<void> {
    await this.#follow(() => this.#clock.now() >= untilMs);
  }

  /** Watches on, until everything up to a revision has been told; the cluster is well. */
  async finish(revision: number): Promise<void> {
    const limit = this.#clock.now() + 30_000;
    await this.#follow(() => this.#next > revision || this.#clock.now() >= limit);
    if (this.#next > revision) return;
    throw new InvariantViolation(
      "watchers are told",
      `one is told up to ${this.#next - 1} of ${revision}, and no more`,
    );
  }

  async #follow(isOver: () => boolean): Promise<void> {
    const { electionTimeoutMs } = this.#cluster.parameters;
    while (!isOver()) {
      const slot = drawOne(this.#random, this.#cluster.running);
      const request = { key: empty, rangeEnd: fromKey, startRevision: this.#next };
      const asked = slot === undefined ? undefined : this.#cluster.ask(slot, (member) => member.watch(request));
      const watcher = asked === undefined ? undefined : await this.#unlessRefused(asked);
      if (watcher === undefined) await this.#clock.sleep(electionTimeoutMs / 4);
      else await this.#pull(watcher, isOver);
    }
  }

  /** Takes what comes for a while; a member that says nothing for long is left. */
  async #pull(watcher: Watcher, isOver: () => boolean): Promise<void> {
    for (let left = this.#random.integer(1, 40); left > 0 && !isOver(); left--) {
      const answer = await this.#unlessRefused(watcher.next());
      if (answer === undefined || answer.done === true || answer.value.canceled === true) break;
      this.#take(answer.value.events, answer.value.header.revision);
    }
    void watcher.close();
  }

  async #unlessRefused<T>(promise: Promise<T>): Promise<T | undefined> {
    try {
      return await withinTime(this.#clock, 4 * this.#cluster.parameters.electionTimeoutMs, promise);
    } catch (error) {
      if (error instanceof CoordinationError) return undefined;
      throw error;
    }
  }

  #take(events: readonly WatchEvent[], upTo: number): void {
    let last = this.#next;
    for (const { type, pair } of events) {
      if (pair.modRevision < last) {
        throw new InvariantViolation(
          "watchers are told in order",
          `one is told of revision ${pair.modRevision} when it waits for ${last}`,
        );
      }
      last = pair.modRevision;
      this.told.push(`${last} ${type} ${decoder.decode(pair.key)} = ${decoder.decode(pair.value)}`);
    }
    this.#next = Math.max(this.#next, upTo + 1);
  }
}

/** What happened, as one member has it in its history, complete. */
export async function historyOf(cluster: SimulatedCluster, slot: Slot): Promise<string[]> {
  const told: string[] = [];
  const { revision } = slot.member!.machine;
  const request = { key: empty, rangeEnd: fromKey, startRevision: 1 };
  const watcher = await cluster.ask(slot, (member) => member.watch(request));
  let expected = 2;
  while (expected <= revision) {
    const { value } = await watcher.next();
    for (const { type, pair } of value?.events ?? []) {
      if (pair.modRevision > expected) {
        throw new InvariantViolation("the history is whole", `nothing happened at revision ${expected}`);
      }
      expected = pair.modRevision + 1;
      told.push(`${pair.modRevision} ${type} ${decoder.decode(pair.key)} = ${decoder.decode(pair.value)}`);
    }
  }
  await watcher.close();
  return told;
}

/** @throws InvariantViolation unless the watcher was told every event once, in order */
export function compareTold(told: readonly string[], history: readonly string[]): void {
  const at = history.findIndex((event, index) => told[index] !== event);
  if (at < 0 && told.length === history.length) return;
  const difference = at < 0 ? history.length : at;
  throw new InvariantViolation(
    "watchers are told everything once",
    `event ${difference} is ${history[difference] ?? "none"}, and one is told ${told[difference] ?? "nothing"}`,
  );
}
