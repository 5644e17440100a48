import { expect, it } from "vitest";
import { simulate, type Random, type World } from "../../runtime/index.ts";
import { createMember } from "../member.ts";
import type { ReplicatedMember } from "../replicated-member.ts";
import type { Watcher } from "./watch.ts";

const hosts = ["a", "b", "c"];
const members = hosts.map((name) => ({ name, peer: { host: name, port: 2380 } }));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const everything = { key: text("\0"), rangeEnd: text("\0") };

interface Life {
  readonly member: ReplicatedMember;
  /** Aborts when the process is killed: then its watchers hear nothing any more. */
  readonly killed: AbortController;
}

class Cluster {
  readonly world: World;
  readonly lives = new Map<string, Life>();
  restores = 0;

  constructor(world: World) {
    this.world = world;
  }

  async start(name: string): Promise<void> {
    const process = this.world.process(name);
    process.start(() => undefined);
    const member = await createMember({
      runtime: process.runtime,
      name,
      directory: "/data",
      peer: { host: name, port: 2380 },
      cluster: { name: "test", members },
      clientUrls: [],
      httpUrls: [],
      snapshotEntries: 30,
      trailingEntries: 3,
    });
    const { machine } = member;
    const restore = machine.restore.bind(machine);
    machine.restore = (chunks) => {
      this.restores++;
      restore(chunks);
    };
    this.lives.set(name, { member, killed: new AbortController() });
  }

  kill(name: string): void {
    const life = this.lives.get(name);
    if (life === undefined) return;
    this.lives.delete(name);
    this.world.process(name).kill();
    life.killed.abort(new Error("killed"));
  }

  any(random: Random): Life | undefined {
    const all = [...this.lives.values()];
    return all.length === 0 ? undefined : all[random.integer(0, all.length - 1)];
  }
}

async function disturb(cluster: Cluster, random: Random): Promise<void> {
  const { world } = cluster;
  // Each kind befalls each member once.
  for (let round = 0; round < 9; round++) {
    const name = hosts[(round + Math.floor(round / 3)) % 3]!;
    const process = world.process(name);
    const forMs = random.integer(50, 2500);
    if (round % 3 === 0) {
      process.pause();
      await world.clock.sleep(forMs);
      process.resume();
    } else if (round % 3 === 1) {
      world.network.partition(
        [name],
        hosts.filter((host) => host !== name),
      );
      await world.clock.sleep(forMs);
      world.network.heal();
    } else {
      cluster.kill(name);
      await world.clock.sleep(forMs);
      await cluster.start(name);
    }
    await world.clock.sleep(random.integer(50, 1500));
  }
}

/** A reader that goes on at another member wherever its watch ends, from the revision after the last it was told. */
class Reader {
  readonly told: string[] = [];
  resumed = 0;
  #from = 2;
  readonly #cluster: Cluster;
  readonly #random: Random;

  constructor(cluster: Cluster, random: Random) {
    this.#cluster = cluster;
    this.#random = random;
  }

  async readUntil(stop: AbortSignal): Promise<void> {
    const { clock } = this.#cluster.world;
    while (!stop.aborted) {
      const life = this.#cluster.any(this.#random);
      if (life === undefined) {
        await clock.sleep(20);
        continue;
      }
      const signal = AbortSignal.any([stop, life.killed.signal]);
      try {
        const watcher = await life.member.watch(
          { ...everything, startRevision: this.#from },
          { signal, requireLeader: true },
        );
        this.resumed++;
        await this.#read(watcher);
      } catch {
        // Killed, without a leader, or asked to stop.
        await clock.sleep(20);
      }
    }
  }

  async #read(watcher: Watcher): Promise<void> {
    for await (const { events, header } of watcher) {
      for (const { type, pair } of events) {
        this.told.push(`${pair.modRevision} ${type} ${new TextDecoder().decode(pair.key)}`);
      }
      if (events.length > 0) this.#from = header.revision + 1;
      await this.#cluster.world.clock.sleep(this.#random.integer(0, 30));
    }
  }
}

async function write(cluster: Cluster, random: Random, stop: AbortSignal): Promise<void> {
  const { clock } = cluster.world;
  for (let number = 0; !stop.aborted; number++) {
    const life = cluster.any(random);
    const key = text(`k${random.integer(0, 20)}`);
    const put = { type: "put", request: { key, value: text(String(number)) } } as const;
    const other = { type: "deleteRange", request: { key: text("k1"), rangeEnd: text("k10") } } as const;
    const safe = number % 7 === 0 ? [{ ...put, request: { ...put.request, key: text("x") } }, other] : [put];
    // Whether a write that failed was applied does not matter: what was is in the history that all must agree with.
    void life?.member.txn({ compare: [], success: safe, failure: [] }, { timeoutMs: 500 }).catch(() => undefined);
    await clock.sleep(random.integer(1, 30));
  }
}

it.each([1, 2])("tells readers that resume everything once, through faults of all kinds (seed %d)", async (seed) => {
  await simulate({ seed }, async (world) => {
    const cluster = new Cluster(world);
    await Promise.all(hosts.map((name) => cluster.start(name)));
    await world.clock.sleep(2000);
    const random = world.random.fork("watch-faults");
    const stop = new AbortController();
    const readers = Array.from({ length: 4 }, (_, at) => new Reader(cluster, random.fork(`reader ${at}`)));
    const reading = readers.map((reader) => reader.readUntil(stop.signal));
    const quiet = new AbortController();
    const writing = write(cluster, random.fork("writes"), quiet.signal);
    await disturb(cluster, random.fork("faults"));
    quiet.abort();
    await writing;
    await world.clock.sleep(20_000);
    stop.abort(new Error("enough"));
    await Promise.all(reading);

    const { machine } = cluster.lives.get("a")!.member;
    const { changes, revision } = machine.store;
    const history = Array.from({ length: changes.size }, (_, at) => {
      const { modRevision, key, value } = changes.versionAt(at);
      return `${modRevision} ${value === undefined ? "delete" : "put"} ${key}`;
    });
    expect(revision).toBeGreaterThan(300);
    for (const { told } of readers) expect(told).toEqual(history);
    for (const { member } of cluster.lives.values()) expect(member.machine.stateHash).toBe(machine.stateHash);
    expect(readers.reduce((sum, { resumed }) => sum + resumed, 0)).toBeGreaterThan(readers.length);
    expect(cluster.restores).toBeGreaterThan(0);
    expect(world.faults).toMatchObject({ pause: 3, partition: 3, kill: 3 });
    for (const { member } of cluster.lives.values()) await member.close();
  });
});
