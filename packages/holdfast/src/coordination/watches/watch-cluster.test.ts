import { describe, expect, it } from "vitest";
import { simulate, type World } from "../../runtime/index.ts";
import { createMember } from "../member.ts";
import type { ReplicatedMember } from "../replicated-member.ts";
import type { Watcher } from "./watch.ts";

const hosts = ["a", "b", "c"];
const members = hosts.map((name) => ({ name, peer: { host: name, port: 2380 } }));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const everything = { key: text("\0"), rangeEnd: text("\0") };
const electionTimeoutMs = 500;

interface Cluster {
  readonly world: World;
  readonly leader: ReplicatedMember;
  readonly follower: ReplicatedMember;
  /** Snapshots that the follower has got from the leader. */
  readonly restores: () => number;
}

async function start(world: World, name: string): Promise<ReplicatedMember> {
  const process = world.process(name);
  process.start(() => undefined);
  return await createMember({
    runtime: process.runtime,
    name,
    directory: "/data",
    peer: { host: name, port: 2380 },
    cluster: { name: "test", members },
    clientUrls: [],
    httpUrls: [],
    electionTimeoutMs,
    snapshotEntries: 50,
    trailingEntries: 5,
    watches: { progressIntervalMs: 10_000 },
  });
}

function withCluster(test: (cluster: Cluster) => Promise<void>): Promise<unknown> {
  return simulate({ seed: 1 }, async (world) => {
    const all = await Promise.all(hosts.map((name) => start(world, name)));
    let leader: ReplicatedMember | undefined;
    while (leader === undefined) {
      await world.clock.sleep(50);
      leader = all.find((member) => member.status().role === "leader");
    }
    await world.clock.sleep(1000);
    const follower = all.find((member) => member !== leader)!;
    let restores = 0;
    const { machine } = follower;
    const restore = machine.restore.bind(machine);
    machine.restore = (chunks) => {
      restores++;
      restore(chunks);
    };
    const failures: Error[] = [];
    for (const member of all) void member.failed.then((error) => failures.push(error));
    await test({ world, leader, follower, restores: () => restores });
    expect(failures).toEqual([]);
    for (const member of all) await member.close();
  });
}

interface Reading {
  readonly events: string[];
  readonly endings: unknown[];
  readonly progress: number[];
  readonly done: Promise<void>;
}

/** Reads to the end; `pauseMs` goes by between two pulls. */
function read(watcher: Watcher, world: World, pauseMs: number = 0): Reading {
  const events: string[] = [];
  const endings: unknown[] = [];
  const progress: number[] = [];
  const done = (async () => {
    for await (const response of watcher) {
      if (response.progress === true) progress.push(response.header.revision);
      if (response.canceled === true) endings.push([response.cancelReason, response.compactRevision]);
      for (const { type, pair } of response.events) {
        events.push(`${pair.modRevision} ${type} ${new TextDecoder().decode(pair.key)}`);
      }
      if (pauseMs > 0) await world.clock.sleep(pauseMs);
    }
  })();
  return { events, endings, progress, done };
}

describe("watches of a replicated member", () => {
  it("tell the same on every member", () =>
    withCluster(async ({ world, leader, follower }) => {
      const readings = [];
      for (const member of [leader, follower]) readings.push(read(await member.watch(everything), world));
      await leader.put({ key: text("a"), value: text("1") });
      await follower.put({ key: text("b"), value: text("1") });
      const operation = (key: string) => ({ type: "put", request: { key: text(key), value: text("2") } }) as const;
      await leader.txn({ compare: [], success: [operation("a"), operation("c")], failure: [] });
      await follower.deleteRange({ ...everything });
      await world.clock.sleep(1000);
      const expected = "2 put a,3 put b,4 put a,4 put c,5 delete a,5 delete b,5 delete c";
      expect(readings.map(({ events }) => events.join(","))).toEqual([expected, expected]);
    }));

  it("tell when a lease has run out", () =>
    withCluster(async ({ world, leader, follower }) => {
      const { id } = await leader.leaseGrant({ ttlSeconds: 2 });
      const { events } = read(await follower.watch(everything), world);
      for (const key of ["x", "y"]) await leader.put({ key: text(key), value: text("1"), lease: id });
      await world.clock.sleep(10_000);
      expect(events).toEqual(["2 put x", "3 put y", "4 delete x", "4 delete y"]);
    }));

  it("lose nothing when their member is stopped for long and gets a snapshot", () =>
    withCluster(async ({ world, leader, follower, restores }) => {
      const process = world.process(follower.name);
      const fast = read(await follower.watch(everything), world);
      const slow = read(await follower.watch({ ...everything, startRevision: 2 }), world, 20);
      const one = read(await follower.watch({ key: text("k7") }), world);
      const later = read(await follower.watch({ ...everything, startRevision: 402 }), world);
      const idle = await follower.watch(everything);
      const put = async (count: number): Promise<void> => {
        for (let at = 0; at < count; at++) await leader.put({ key: text(`k${at % 10}`), value: text("1") });
      };
      await put(100);
      process.pause();
      await put(400);
      process.resume();
      await put(100);
      await world.clock.sleep(20_000);
      expect(world.faults["pause"]).toBe(1);
      expect(restores()).toBeGreaterThan(0);
      const expected = Array.from({ length: 600 }, (_, at) => `${at + 2} put k${at % 10}`);
      expect(fast.events).toEqual(expected);
      expect(slow.events).toEqual(expected);
      expect(one.events).toEqual(expected.filter((line) => line.endsWith("k7")));
      expect(later.events).toEqual(expected.slice(400));
      const late = read(idle, world);
      await world.clock.sleep(5000);
      expect(late).toMatchObject({ events: expected, endings: [] });
    }));

  it("end when what they have missed is compacted in that snapshot, and not otherwise", () =>
    withCluster(async ({ world, leader, follower, restores }) => {
      const process = world.process(follower.name);
      const behind = read(await follower.watch(everything), world);
      const ahead = read(await follower.watch({ ...everything, startRevision: 301 }), world);
      process.pause();
      for (let at = 0; at < 300; at++) await leader.put({ key: text("k"), value: text("1") });
      await leader.compact({ revision: 300 });
      for (let at = 0; at < 60; at++) await leader.put({ key: text("k"), value: text("1") });
      process.resume();
      await world.clock.sleep(5000);
      expect(restores()).toBeGreaterThan(0);
      await behind.done;
      // What had reached the member before the leader gave up on it is told still.
      expect(behind.events).toEqual(Array.from({ length: behind.events.length }, (_, at) => `${at + 2} put k`));
      expect(behind.events.length).toBeLessThan(298);
      expect(behind.endings).toEqual([["COMPACTED", 300]]);
      expect(ahead.events).toEqual(Array.from({ length: 61 }, (_, at) => `${at + 301} put k`));
      expect(ahead.endings).toEqual([]);
    }));

  it("stand still while their member is cut off, and end then only if they require a leader", () =>
    withCluster(async ({ world, leader, follower }) => {
      const others = hosts.filter((host) => host !== follower.name);
      const patient = read(await follower.watch({ ...everything, progressNotify: true }), world);
      const strict = read(await follower.watch(everything, { requireLeader: true }), world);
      world.network.partition([follower.name], others);
      await leader.put({ key: text("a"), value: text("1") });
      await world.clock.sleep(electionTimeoutMs);
      expect(strict.endings).toEqual([]);
      await world.clock.sleep(6 * electionTimeoutMs);
      await strict.done;
      expect(strict).toMatchObject({ events: [], endings: [["NO_LEADER", undefined]] });
      await expect(follower.watch(everything, { requireLeader: true })).rejects.toMatchObject({ code: "NO_LEADER" });
      await world.clock.sleep(10_000);
      // What it tells of its progress is its own: it has not seen the put.
      expect(patient).toMatchObject({ events: [], endings: [] });
      expect(new Set(patient.progress)).toEqual(new Set([1]));
      expect(world.faults["partition"]).toBe(1);
      world.network.heal();
      await world.clock.sleep(5000);
      expect(patient.events).toEqual(["2 put a"]);
    }));

  it("end with their member", () =>
    withCluster(async ({ world, follower }) => {
      const reading = read(await follower.watch(everything), world);
      const idle = await follower.watch(everything);
      expect(follower.watchCount).toBe(2);
      await follower.close();
      await reading.done;
      const late = read(idle, world);
      await late.done;
      for (const { endings } of [reading, late]) expect(endings).toEqual([["STOPPED", undefined]]);
      expect(follower.watchCount).toBe(0);
      await expect(follower.watch(everything)).rejects.toMatchObject({ code: "STOPPED" });
    }));
});
