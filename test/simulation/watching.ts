import { CoordinationError, type KeyValue, type WatchEvent, type Watcher } from "holdfast/coordination";
import type { Clock, Random } from "holdfast/runtime";
import type { Compacting } from "./compacting.ts";
import { InvariantViolation } from "./invariant-violation.ts";
import { drawOne, type SimulatedCluster, type Slot } from "./simulated-cluster.ts";
import { withinTime } from "./within-time.ts";

const decoder = new TextDecoder();
const empty = new Uint8Array(0);
const fromKey = Uint8Array.of(0);

/** A client that watches all keys, at one member after the other, from where it was told last. */
export class Watching {
  /** What it was told of each revision, in words. */
  readonly told: Map<number, string> = new Map();
  /** Revisions, first and last, of which nothing could be told any more. */
  readonly gaps: [from: number, to: number][] = [];
  readonly #compacting: Compacting;
  readonly #cluster: SimulatedCluster;
  readonly #clock: Clock;
  readonly #random: Random;
  /** The first revision that it has not been told of; an empty store is at 1. */
  #next = 2;

  constructor(cluster: SimulatedCluster, clock: Clock, random: Random, compacting: Compacting) {
    this.#cluster = cluster;
    this.#compacting = compacting;
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
      if (answer === undefined || answer.done === true) break;
      if (answer.value.canceled === true) {
        if (answer.value.cancelReason === "COMPACTED") this.#skip(answer.value.compactRevision ?? 0);
        break;
      }
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

  /** What it waits for is gone: it goes on from what is left. */
  #skip(compactRevision: number): void {
    if (compactRevision <= this.#next || compactRevision > this.#compacting.asked) {
      throw new InvariantViolation(
        "only what is compacted is gone",
        `a watcher that waits for ${this.#next} is told that ${compactRevision} is the first, of ${this.#compacting.asked} asked for`,
      );
    }
    this.#cluster.count("watch-compacted");
    // A key that was deleted right there is not in the history that is left.
    this.gaps.push([this.#next, compactRevision]);
    this.#next = compactRevision;
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
      note(this.told, last, type, pair);
    }
    this.#next = Math.max(this.#next, upTo + 1);
  }
}

function note(told: Map<number, string>, revision: number, type: string, { key, value }: KeyValue): void {
  const before = told.get(revision) ?? "";
  told.set(revision, `${before}${type} ${decoder.decode(key)} = ${decoder.decode(value)}; `);
}

/** What happened at each revision, as one member has it in its history, complete from where that begins. */
export async function historyOf(cluster: SimulatedCluster, slot: Slot): Promise<Map<number, string>> {
  const told = new Map<number, string>();
  const { revision, compactedRevision } = slot.member!.machine;
  let expected = Math.max(2, compactedRevision + 1);
  const request = { key: empty, rangeEnd: fromKey, startRevision: expected };
  const watcher = await cluster.ask(slot, (member) => member.watch(request));
  while (expected <= revision) {
    const { value } = await watcher.next();
    for (const { type, pair } of value?.events ?? []) {
      if (pair.modRevision > expected) {
        throw new InvariantViolation("the history is whole", `nothing happened at revision ${expected}`);
      }
      expected = pair.modRevision + 1;
      note(told, pair.modRevision, type, pair);
    }
  }
  await watcher.close();
  return told;
}

/**
 * What nobody has in the history any more, watchers have been told: the first one's word is taken for it.
 *
 * @throws InvariantViolation unless the watcher was told every event once, but for what was compacted
 */
export function compareTold({ told, gaps }: Watching, history: Map<number, string>, upTo: number): void {
  for (let revision = 2; revision <= upTo; revision++) {
    const heard = told.get(revision);
    if (heard === undefined && gaps.some(([from, to]) => from <= revision && revision <= to)) continue;
    const happened = history.get(revision) ?? heard;
    if (heard === undefined || heard !== happened) {
      throw new InvariantViolation(
        "watchers are told everything once",
        `at ${revision} there was ${happened ?? "something"}, and one is told ${heard ?? "nothing"}`,
      );
    }
    history.set(revision, happened);
  }
}
