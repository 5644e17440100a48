import { describe, expect, it } from "vitest";
import { seededRandom, type Random } from "../runtime/index.ts";
import { CoreCluster } from "../testing/index.ts";
import type { Effects, Fact } from "./effects.ts";
import type { NodeId } from "./entry.ts";
import type { Message } from "./message.ts";
import type { PlantedBug } from "./planted-bug.ts";
import type { ReadMode } from "./raft.ts";

const electionTimeoutMs = 100;
const heartbeatMs = 20;
const tickMs = 5;
const command = new Uint8Array(8);

/**
 * Bare cores under everything that can happen to messages, processes and clocks, drawn from one seed, with Raft's
 * promises checked after every step. Where the simulator of whole clusters needs seconds to meet what is rare between
 * cores alone, this does in milliseconds.
 */
class CoreRun {
  readonly happened: Map<string, number> = new Map();
  readonly #cores: CoreCluster;
  readonly #random: Random;
  readonly #rates: number[];
  readonly #late: boolean;
  #travelling: { readonly at: number; readonly message: Message }[] = [];
  #cut: Set<NodeId> = new Set();
  /** From when on those that are cut off no longer hear the others either. */
  #deafAt = 0;
  #wakeAt = new Map<NodeId, number>();
  /** Terms of the entries that any core has committed, by index. */
  readonly #truth: number[] = [0];
  readonly #commits = new Map<NodeId, number>();
  readonly #leaders = new Map<number, NodeId>();
  readonly #reads = new Map<number, number>();
  #lastRead = 0;

  constructor(seed: number, reads: ReadMode, plant?: PlantedBug) {
    const random = seededRandom(seed);
    this.#random = random;
    this.#cores = new CoreCluster({
      size: [3, 3, 3, 4, 5][random.integer(0, 4)]!,
      random: random.fork("cores"),
      electionTimeoutMs,
      heartbeatMs,
      maxAppendBytes: [1, 16, 1 << 18][random.integer(0, 2)]!,
      reads,
      ...(plant === undefined ? {} : { plant }),
    });
    // Within the default bound of a tenth from the slowest to the fastest.
    this.#rates = this.#cores.ids.map(() => 0.96 + 0.08 * random.next());
    this.#late = random.next() < 0.5;
    this.#cores.clockOf = (id) => 1000 * id + this.#cores.now * (this.#rates[id - 1] ?? 1);
    for (const id of this.#cores.ids) this.#cores.restart(id);
    this.#cores.passes = (message) => message.from === message.to || this.#send(message);
    this.#cores.onEffects = (id, effects) => this.#onEffects(id, effects);
  }

  /** What the first broken promise is, if one breaks. */
  run(durationMs: number): string | undefined {
    try {
      while (this.#cores.now < durationMs) this.#step();
    } catch (error) {
      return (error as Error).message;
    }
    return undefined;
  }

  #step(): void {
    for (let events = this.#random.integer(0, 2); events > 0; events--) this.#happen();
    this.#arrive();
    for (const id of this.#cores.ids) this.#readAtLeader(id, 0.3);
    this.#cores.advance(tickMs, tickMs);
    this.#check();
    for (const [id, at] of this.#wakeAt) {
      if (at > this.#cores.now) continue;
      this.#wakeAt.delete(id);
      this.#cores.paused.delete(id);
      // What waited in its sockets, and a client's read, come before its timers.
      if (this.#random.next() < 0.5) this.#read(id);
      this.#cores.deliver();
    }
  }

  #happen(): void {
    const random = this.#random;
    const id = random.integer(1, this.#cores.ids.length);
    const leader = this.#cores.leader?.id ?? id;
    const draw = random.next();
    if (draw < 0.6) this.#feed(id, () => this.#cores.feed(id, { type: "propose", commands: [command] }));
    else if (draw < 0.9) this.#read(id);
    else if (draw < 0.92) this.#cutOff(random.next() < 0.7 ? [leader] : [id, (id % this.#cores.ids.length) + 1]);
    else if (draw < 0.95) this.#cut = new Set();
    else if (draw < 0.96) this.#pause(random.next() < 0.7 ? leader : id);
    else if (draw < 0.97) this.#restart(id);
    else if (draw < 0.98) this.#feed(leader, () => this.#cores.feed(leader, { type: "transferLeadership", to: 0 }));
    else if (draw < 0.985) this.#feed(id, () => this.#cores.feed(id, { type: "forgetLeader" }));
    else this.#compact(id);
  }

  #count(what: string): void {
    this.happened.set(what, (this.happened.get(what) ?? 0) + 1);
  }

  #feed(id: NodeId, feed: () => void): void {
    if (!this.#cores.paused.has(id)) feed();
  }

  #read(id: NodeId): void {
    this.#feed(id, () => {
      this.#reads.set(++this.#lastRead, this.#truth.length - 1);
      this.#cores.feed(id, { type: "read", id: this.#lastRead, now: this.#cores.clockOf(id) });
    });
  }

  /** Whoever believes to lead is asked most: that is where a stale answer would come from. */
  #readAtLeader(id: NodeId, chance: number): void {
    if (this.#cores.core(id).role === "leader" && this.#random.next() < chance) this.#read(id);
  }

  #cutOff(ids: readonly NodeId[]): void {
    this.#cut = new Set(ids);
    this.#deafAt = this.#cores.now + Math.max(0, this.#random.next() * 2 - 1) * electionTimeoutMs;
    this.#count("cut");
  }

  #pause(id: NodeId): void {
    this.#cores.paused.add(id);
    this.#wakeAt.set(id, this.#cores.now + (0.3 + 3 * this.#random.next() ** 2) * electionTimeoutMs);
    this.#count("pause");
  }

  #restart(id: NodeId): void {
    if (this.#cores.paused.has(id)) return;
    this.#cores.restart(id);
    this.#commits.delete(id);
    this.#count("restart");
  }

  #compact(id: NodeId): void {
    const { commit, log } = this.#cores.core(id);
    if (this.#cores.paused.has(id) || commit <= log.baseIndex) return;
    this.#cores.feed(id, { type: "compact", index: commit });
    this.#count("compact");
  }

  #send(message: Message): boolean {
    const random = this.#random;
    const copies = random.next() < 0.02 ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const slow = this.#late && random.next() < (message.type === "heartbeatResult" ? 0.5 : 0.1);
      const delay = slow ? random.next() * 2 * electionTimeoutMs : random.next() * 8;
      this.#travelling.push({ at: this.#cores.now + delay, message });
    }
    return false;
  }

  #arrive(): void {
    const due = this.#travelling.filter(({ at }) => at <= this.#cores.now);
    this.#travelling = this.#travelling.filter(({ at }) => at > this.#cores.now);
    for (const { message } of due) {
      if (this.#isCut(message)) continue;
      if (this.#cores.paused.has(message.to)) {
        this.#travelling.push({ at: this.#cores.now + tickMs, message });
        continue;
      }
      this.#cores.feed(message.to, { type: "message", message, now: this.#cores.clockOf(message.to) });
      this.#readAtLeader(message.to, 0.05);
    }
  }

  #isCut({ from, to }: Message): boolean {
    if (this.#cut.has(from) === this.#cut.has(to)) return false;
    return this.#cut.has(from) || this.#cores.now >= this.#deafAt;
  }

  #onEffects(id: NodeId, { snapshotsTo, reads, facts }: Effects): void {
    const { term, log, configuration } = this.#cores.core(id);
    for (const to of snapshotsTo) {
      const snapshot = { index: log.baseIndex, term: log.termAt(log.baseIndex)!, configuration };
      this.#send({ type: "snapshot", from: id, to, term, snapshot });
      this.#cores.feed(id, { type: "snapshotSent", to, index: log.baseIndex, delivered: true });
      this.#count("snapshot");
    }
    for (const { id: read, index } of reads) {
      const floor = this.#reads.get(read) ?? 0;
      if (index < floor) throw new Error(`linearizable reads: ${id} answered at ${index}, when ${floor} was committed`);
      this.#count("read");
    }
    for (const fact of facts) this.#onFact(id, fact);
  }

  #onFact(id: NodeId, fact: Fact): void {
    this.#count(fact.type);
    if (fact.type !== "roleChanged" || fact.role !== "leader") return;
    const other = this.#leaders.get(fact.term);
    if (other !== undefined && other !== id) throw new Error(`one leader a term: ${other} and ${id} lead ${fact.term}`);
    this.#leaders.set(fact.term, id);
    this.#count("election");
  }

  #check(): void {
    for (const id of this.#cores.ids) {
      const { commit, log } = this.#cores.core(id);
      const before = this.#commits.get(id) ?? log.baseIndex;
      if (commit < before) throw new Error(`commits never go back: ${id} went from ${before} to ${commit}`);
      this.#commits.set(id, commit);
      for (let index = Math.max(before, log.baseIndex) + 1; index <= commit; index++) {
        const term = log.termAt(index);
        if (term === undefined) throw new Error(`committed entries are held: ${id} lacks ${index}`);
        if (this.#truth.length === index) this.#truth.push(term);
        if (this.#truth[index] !== term) throw new Error(`committed entries do not change: ${index} at ${id}`);
      }
    }
  }
}

function firstFound(plant: PlantedBug, reads: ReadMode, seeds: number): string | undefined {
  for (let seed = 1; seed <= seeds; seed++) {
    const broken = new CoreRun(seed, reads, plant).run(4_000);
    if (broken !== undefined) return broken;
  }
  return undefined;
}

describe("bare cores under drawn faults", () => {
  it.each(["quorum", "lease"] as const)("keep every promise, with reads by %s", (reads) => {
    const happened = new Map<string, number>();
    for (let seed = 1; seed <= 40; seed++) {
      const run = new CoreRun(seed, reads);
      expect([seed, run.run(4_000)]).toEqual([seed, undefined]);
      for (const [what, count] of run.happened) happened.set(what, (happened.get(what) ?? 0) + count);
    }
    for (const what of ["election", "read", "cut", "pause", "restart", "compact", "snapshot", "logTruncated"]) {
      expect([what, happened.get(what) ?? 0]).toEqual([what, expect.toSatisfy((count: number) => count > 50)]);
    }
    expect(happened.get("transferStarted")).toBeGreaterThan(50);
    expect(happened.get("transferAborted")).toBeGreaterThan(5);
  });

  it.each([
    ["stale-read", "quorum", "linearizable reads"],
    ["read-before-term-commit", "quorum", "linearizable reads"],
    ["lease-survives-pause", "lease", "linearizable reads"],
    ["install-older-snapshot", "quorum", "commits never go back"],
    ["commit-beyond-verified", "quorum", "committed entries do not change"],
  ] as const)("are found out when %s", (plant, reads, promise) => {
    expect(firstFound(plant, reads, 300)).toContain(promise);
  });
});
