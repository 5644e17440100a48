import { describe, expect, it } from "vitest";
import { type Clock, type Random, type Runtime, simulate } from "../../runtime/index.ts";
import type { Entry, HardState, SnapshotMeta } from "../entry.ts";
import type { DurableLog, LogBatch, RecoveredLog } from "./durable-log.ts";
import { LogFailedError } from "./log-error.ts";
import { openDurableLog } from "./open-durable-log.ts";
import { configurationOf } from "../configuration.ts";

const bootstrap = configurationOf([1, 2, 3]);
const seeds = 80;

/** What a log should hold: all that was ever appended, as far as it counts. */
interface Held {
  readonly hardState: HardState;
  readonly base: { readonly index: number; readonly term: number };
  readonly entries: readonly Entry[];
}

interface Saved {
  readonly meta: SnapshotMeta;
  readonly state: Uint8Array;
}

function lastOf({ base, entries }: Held): { readonly index: number; readonly term: number } {
  return entries.at(-1) ?? base;
}

function applied(held: Held, { hardState = held.hardState, reset, entries }: LogBatch): Held {
  const base = reset ?? held.base;
  const kept = reset === undefined ? held.entries : [];
  const first = entries[0]?.index ?? Infinity;
  return { hardState, base, entries: [...kept.filter(({ index }) => index < first), ...entries] };
}

/** What recovery makes of a log and a snapshot. */
function settled(held: Held, { meta }: Saved): Held {
  const at = meta.index === held.base.index ? held.base : held.entries.find(({ index }) => index === meta.index);
  const entries = at?.term === meta.term ? held.entries.filter(({ index }) => index > meta.index) : [];
  return { hardState: held.hardState, base: { index: meta.index, term: meta.term }, entries };
}

/**
 * One node's log through many lives. What was acknowledged is known, and so is what was under way when a life ended:
 * every recovery must give the one or the other.
 */
class Node {
  readonly #random: Random;
  #held: Held = { hardState: { term: 0, vote: 0 }, base: { index: 0, term: 0 }, entries: [] };
  #saved: Saved = { meta: { index: 0, term: 0, configuration: bootstrap }, state: new Uint8Array(0) };
  #appending: LogBatch | undefined;
  #saving: Saved | undefined;
  acknowledged = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A life: recover, check, then write until something ends it. */
  async live({ disk, clock }: Runtime): Promise<void> {
    let opened: Awaited<ReturnType<typeof openDurableLog>>;
    try {
      const identity = { clusterId: 1n, nodeId: 1 };
      opened = await openDurableLog({ disk, directory: "/node", identity, bootstrap, segmentBytes: 4096 });
    } catch (error) {
      if (error instanceof LogFailedError) return;
      throw error;
    }
    const { log, recovered } = opened;
    await this.#check(log, recovered);
    try {
      await Promise.all([this.#append(log, clock), this.#snapshot(log, clock)]);
    } catch (error) {
      if (!(error instanceof LogFailedError)) throw error;
    }
  }

  async #check(log: DurableLog, recovered: RecoveredLog): Promise<void> {
    const saved = [this.#saved, this.#saving].find((one) => one?.meta.index === recovered.snapshot.index);
    expect(recovered.snapshot).toEqual(saved?.meta);
    const possible = [this.#held, ...(this.#appending === undefined ? [] : [applied(this.#held, this.#appending)])];
    const expected = possible.map((held) => settled(held, saved!));
    const found = { hardState: recovered.hardState, base: expected[0]!.base, entries: recovered.entries };
    expect(expected).toContainEqual(found);
    this.#held = found;
    this.#saved = saved!;
    this.#appending = undefined;
    this.#saving = undefined;
    const reader = await log.openSnapshot();
    if (reader !== undefined) expect(await reader.read(0, reader.size)).toEqual(saved!.state);
    else expect(recovered.snapshot.index).toBe(0);
  }

  async #append(log: DurableLog, clock: Clock): Promise<void> {
    for (;;) {
      if (this.#random.next() < 0.2) await clock.sleep(this.#random.integer(0, 3));
      const installs = this.#random.next() < 0.05 && this.#saving === undefined;
      const batch = installs ? await this.#install(log) : this.#drawBatch();
      this.#appending = batch;
      await log.append(batch);
      this.#appending = undefined;
      this.#held = applied(this.#held, batch);
      this.acknowledged++;
    }
  }

  #drawBatch(): LogBatch {
    const last = lastOf(this.#held);
    // What a snapshot covers was committed, and is never replaced.
    const committed = Math.max(this.#saved.meta.index, this.#saving?.meta.index ?? 0, this.#held.base.index);
    const term = this.#held.hardState.term + (this.#random.next() < 0.2 ? 1 : 0);
    const replaces = term > last.term && this.#random.next() < 0.5;
    const first = replaces ? this.#random.integer(committed + 1, last.index + 1) : last.index + 1;
    const entries = this.#drawEntries(first, Math.max(term, 1));
    if (entries.length === 0 || term > this.#held.hardState.term) {
      return { hardState: { term, vote: this.#random.integer(0, 3) }, entries };
    }
    return { entries };
  }

  #drawEntries(first: number, term: number): Entry[] {
    const random = this.#random;
    return Array.from({ length: random.integer(0, 4) }, (_, i) => {
      const length = random.next() < 0.05 ? 5000 : random.integer(0, 1200);
      const data = random.next() < 0.3 ? new Uint8Array(length) : random.bytes(length);
      return { index: first + i, term, kind: "command", data };
    });
  }

  /** A snapshot from a leader that is far ahead, and the batch that starts the log anew after it. */
  async #install(log: DurableLog): Promise<LogBatch> {
    const index = lastOf(this.#held).index + this.#random.integer(0, 20);
    const term = this.#held.hardState.term + 1;
    await this.#save(log, { index, term, configuration: configurationOf([2, 3]) });
    return { hardState: { term, vote: 0 }, reset: { index, term }, entries: this.#drawEntries(index + 1, term) };
  }

  async #snapshot(log: DurableLog, clock: Clock): Promise<void> {
    for (;;) {
      await clock.sleep(this.#random.integer(1, 10));
      // What is being replaced was not committed.
      const replaced = this.#appending?.reset === undefined ? (this.#appending?.entries[0]?.index ?? Infinity) : 0;
      const { index: covered } = this.#saved.meta;
      const committed = this.#held.entries.filter(({ index }) => index > covered && index < replaced);
      const at = committed[this.#random.integer(0, Math.max(0, committed.length - 1))];
      if (at === undefined || this.#saving !== undefined) continue;
      await this.#save(log, { index: at.index, term: at.term, configuration: configurationOf([1, at.index]) });
      await log.compact(this.#random.integer(0, at.index));
    }
  }

  async #save(log: DurableLog, meta: SnapshotMeta): Promise<void> {
    const state = this.#random.bytes(this.#random.next() < 0.2 ? 70_000 : this.#random.integer(0, 2000));
    this.#saving = { meta, state };
    const writer = await log.createSnapshot(meta);
    await writer.write(state);
    await writer.commit();
    this.#saved = { meta, state };
    this.#saving = undefined;
  }
}

async function run(
  seed: number,
): Promise<{ readonly faults: Readonly<Record<string, number>>; readonly value: number }> {
  const fails = seed % 3 === 0;
  const disk = fails ? { syncError: 0.01, writeError: 0.005 } : {};
  return simulate({ seed, disk }, async (world) => {
    const process = world.process("node");
    const node = new Node(world.random.fork("node"));
    for (let lives = world.random.integer(5, 15); lives > 0; lives--) {
      process.start((runtime) => node.live(runtime));
      await world.clock.sleep(world.random.next() * (world.random.next() < 0.2 ? 10 : 60));
      if (world.random.next() < 0.3) process.kill();
      else process.crash();
    }
    process.disk.setFaults({ syncError: 0, writeError: 0 });
    // The last recovery must be reached.
    const before = node.acknowledged;
    process.start((runtime) => node.live(runtime));
    while (node.acknowledged < before + 3) await world.clock.sleep(10);
    return node.acknowledged;
  });
}

describe("a log whose machine stops at any moment", () => {
  it("has everything it acknowledged, and nothing that was not appended", async () => {
    const faults: Record<string, number> = {};
    let acknowledged = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const result = await run(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}`, { cause: error });
      });
      acknowledged += result.value;
      for (const [kind, count] of Object.entries(result.faults)) faults[kind] = (faults[kind] ?? 0) + count;
    }
    expect(acknowledged).toBeGreaterThan(30 * seeds);
    for (const kind of [
      "crash",
      "kill",
      "torn-write",
      "unsynced-lost",
      "interrupted-write",
      "sync-failed",
      "write-failed",
    ]) {
      expect(faults, kind).toHaveProperty(kind);
    }
    for (const kind of ["entry-vanished", "rename-undone", "removal-undone"]) expect(faults, kind).toHaveProperty(kind);
  }, 60_000);
});
