import { describe, expect, it } from "vitest";
import { simulate, type SimulatedProcess, type World } from "../runtime/index.ts";
import { noEffects, type AppendMark, type Effects } from "./effects.ts";
import type { Entry } from "./entry.ts";
import { openDurableLog } from "./log/open-durable-log.ts";
import { LogWriter, type Installation } from "./log-writer.ts";
import type { AppendAccepted, Message } from "./message.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";
import { configurationOf } from "./configuration.ts";

const identity = { clusterId: 1n, nodeId: 1 };
const bootstrap = configurationOf([1, 2]);
const data = new TextEncoder().encode("what must be durable");
const segment = "/data/segment-0000000000000001.log";

interface Setting {
  readonly world: World;
  readonly process: SimulatedProcess;
  readonly writer: LogWriter;
  /** What left or was reached, in order. */
  readonly told: string[];
  readonly errors: Error[];
  readonly receiver: SnapshotReceiver;
  /** What the log on the disk holds, read as a next life would. */
  readonly reopened: () => Promise<{
    readonly term: number;
    readonly vote: number;
    readonly entries: readonly string[];
  }>;
}

/** A writer of a real log on a simulated disk, whose sync takes a second. */
async function withWriter(test: (setting: Setting) => Promise<void>): Promise<void> {
  await simulate({ seed: 1 }, async (world) => {
    const process = world.process("n1");
    process.start(() => undefined);
    const { log } = await openDurableLog({ disk: process.runtime.disk, directory: "/data", identity, bootstrap });
    const told: string[] = [];
    const errors: Error[] = [];
    const writer = new LogWriter({
      log,
      now: () => world.clock.now(),
      install: async ({ meta, staged }: Installation) => {
        await staged.writer.commit();
        told.push(`installed ${meta.index}`);
      },
      onDurable: (messages, mark) => {
        for (const message of messages) told.push(`${message.type} ${(message as AppendAccepted).matchIndex}`);
        if (mark !== undefined) told.push(`mark ${mark.index}`);
      },
      onError: (error) => errors.push(error),
    });
    process.disk.delay("sync", 1000);
    await test({
      world,
      process,
      writer,
      told,
      errors,
      receiver: new SnapshotReceiver(log),
      async reopened() {
        process.disk.delay("sync", 0);
        process.kill();
        process.start(() => undefined);
        const options = { disk: process.runtime.disk, directory: "/data", identity, bootstrap };
        const { recovered } = await openDurableLog(options);
        const entries = recovered.entries.map((one) => `${one.index}@${one.term}`);
        return { ...recovered.hardState, entries };
      },
    });
  });
}

function effects(parts: Partial<Effects>): Effects {
  return { ...noEffects(), ...parts };
}

function accepted(matchIndex: number): Message {
  return { type: "appendAccepted", from: 1, to: 2, term: 1, matchIndex };
}

/** Entries `from`..`to` with the acknowledgement that depends on them. */
function append(from: number, to: number, term = 1): Effects {
  const entries = Array.from({ length: to - from + 1 }, (_, at): Entry => {
    return { index: from + at, term, kind: "command", data };
  });
  const mark: AppendMark = { index: to, epoch: term };
  return effects({ entries, mark, messagesAfterSync: [accepted(to)] });
}

function holds(process: SimulatedProcess, view: "visible" | "durable"): boolean {
  return Buffer.from(process.disk.content(segment, view) ?? []).includes(Buffer.from(data));
}

describe("a log writer", () => {
  it("lets nothing that depends on durability leave before the sync has ended", () =>
    withWriter(async ({ world, process, writer, told }) => {
      writer.add(append(1, 2), undefined);
      await world.clock.sleep(900);
      expect(told).toEqual([]);
      expect([holds(process, "visible"), holds(process, "durable")]).toEqual([true, false]);
      await world.clock.sleep(900);
      expect(told).toEqual(["appendAccepted 2", "mark 2"]);
      expect(holds(process, "durable")).toBe(true);
    }));

  it("says how long the disk has been at the present write", () =>
    withWriter(async ({ world, writer }) => {
      expect(writer.waitMs).toBe(0);
      writer.add(append(1, 1), undefined);
      await world.clock.sleep(700);
      expect(writer.waitMs).toBe(700);
      writer.add(append(2, 2), undefined);
      await world.clock.sleep(700);
      // That is the next one.
      expect(writer.waitMs).toBeGreaterThan(300);
      expect(writer.waitMs).toBeLessThan(400);
      await world.clock.sleep(1_000);
      expect(writer.waitMs).toBe(0);
    }));

  it("sends at once what depends on nothing that is under way", () =>
    withWriter(async ({ writer, told }) => {
      writer.add(effects({ messagesAfterSync: [accepted(7)] }), undefined);
      expect(told).toEqual(["appendAccepted 7"]);
    }));

  it("keeps a message that needs no write behind what was handed over before it", () =>
    withWriter(async ({ world, writer, told }) => {
      writer.add(append(1, 1), undefined);
      writer.add(effects({ messagesAfterSync: [accepted(0)] }), undefined);
      expect(told).toEqual([]);
      await world.clock.sleep(5000);
      expect(told).toEqual(["appendAccepted 1", "mark 1", "appendAccepted 0"]);
    }));

  it("writes all that came during a sync as one batch with one sync", () =>
    withWriter(async ({ world, writer, told, reopened }) => {
      writer.add(append(1, 1), undefined);
      for (let index = 2; index <= 50; index++) writer.add(append(index, index), undefined);
      writer.add(effects({ hardState: { term: 3, vote: 2 } }), undefined);
      await world.clock.sleep(2500);
      const expected = Array.from({ length: 49 }, (_, at) => `appendAccepted ${at + 2}`);
      expect(told).toEqual(["appendAccepted 1", "mark 1", ...expected, "mark 50"]);
      const all = Array.from({ length: 50 }, (_, at) => `${at + 1}@1`);
      expect(await reopened()).toEqual({ term: 3, vote: 2, entries: all });
    }));

  it("writes what replaced an entry that waited, and not the entry", () =>
    withWriter(async ({ world, writer, told, reopened }) => {
      writer.add(append(1, 1), undefined);
      writer.add(append(2, 5), undefined);
      writer.add(append(3, 4, 2), undefined);
      await world.clock.sleep(5000);
      expect(told.filter((line) => line.startsWith("mark"))).toEqual(["mark 1", "mark 4"]);
      expect((await reopened()).entries).toEqual(["1@1", "2@1", "3@2", "4@2"]);
    }));

  it("replaces entries that were written already", () =>
    withWriter(async ({ world, writer, reopened }) => {
      writer.add(append(1, 5), undefined);
      await world.clock.sleep(3000);
      writer.add(append(2, 2, 2), undefined);
      await world.clock.sleep(3000);
      expect((await reopened()).entries).toEqual(["1@1", "2@2"]);
    }));

  it("installs a snapshot before what follows it, and forgets what waited and is covered", () =>
    withWriter(async ({ world, process, writer, told, receiver, reopened }) => {
      const snapshot = { index: 10, term: 2, configuration: bootstrap };
      process.disk.delay("sync", 0);
      const chunk = { type: "snapshotChunk", from: 2, to: 1, term: 2, snapshot, offset: 0, size: 3 } as const;
      const taken = await receiver.take({ ...chunk, data: Uint8Array.of(1, 2, 3) });
      process.disk.delay("sync", 1000);
      writer.add(append(1, 1), undefined);
      writer.add(append(2, 4), undefined);
      const restore = effects({ restore: snapshot, reset: snapshot, messagesAfterSync: [accepted(10)] });
      writer.add(restore, taken?.staged);
      writer.add(append(11, 12, 2), undefined);
      await world.clock.sleep(20_000);
      expect(told).toEqual([
        "appendAccepted 1",
        "mark 1",
        "installed 10",
        "appendAccepted 4",
        "appendAccepted 10",
        "appendAccepted 12",
        "mark 12",
      ]);
      expect((await reopened()).entries).toEqual(["11@2", "12@2"]);
    }));

  it("runs jobs between writes, never during one", () =>
    withWriter(async ({ world, writer, told }) => {
      writer.add(append(1, 1), undefined);
      writer.run(async () => {
        told.push("job begins");
        await world.clock.sleep(500);
        told.push("job ends");
      });
      writer.add(append(2, 2), undefined);
      await world.clock.sleep(5000);
      expect(told).toEqual(["appendAccepted 1", "mark 1", "job begins", "job ends", "appendAccepted 2", "mark 2"]);
    }));

  it.each(["write", "sync"] as const)("stops everything when a %s fails", (operation) =>
    withWriter(async ({ world, process, writer, told, errors }) => {
      writer.add(append(1, 1), undefined);
      await world.clock.sleep(3000);
      process.disk.failNext(operation);
      writer.add(append(2, 2), undefined);
      writer.add(append(3, 3), undefined);
      writer.run(async () => void told.push("job"));
      await world.clock.sleep(5000);
      writer.add(effects({ messagesAfterSync: [accepted(9)] }), undefined);
      writer.run(async () => void told.push("job"));
      await world.clock.sleep(5000);
      expect(told).toEqual(["appendAccepted 1", "mark 1"]);
      expect(errors.map((error) => (error as Error & { code?: string }).code)).toEqual(["LOG_FAILED"]);
      expect(world.faults[`${operation}-failed`]).toBe(1);
    }),
  );

  it("takes nothing more once stopped, and says when the write under way has ended", () =>
    withWriter(async ({ world, writer, told }) => {
      writer.add(append(1, 1), undefined);
      const stopped = writer.stop().then(() => told.push("stopped"));
      writer.add(append(2, 2), undefined);
      await world.clock.sleep(500);
      expect(told).toEqual([]);
      await stopped;
      await world.clock.sleep(5000);
      expect(told).toEqual(["stopped"]);
    }));
});
