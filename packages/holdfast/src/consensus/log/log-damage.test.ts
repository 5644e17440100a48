import { describe, expect, it } from "vitest";
import { type Disk, simulate, type SimulatedProcess, type World } from "../../runtime/index.ts";
import type { Entry } from "../entry.ts";
import type { DurableLog, RecoveredLog } from "./durable-log.ts";
import { LogCorruptError, LogFailedError } from "./log-error.ts";
import { openDurableLog } from "./open-durable-log.ts";
import { configurationOf } from "../configuration.ts";

const directory = "/data";
const firstFile = `${directory}/segment-0000000000000001.log`;
const secondFile = `${directory}/segment-0000000000000002.log`;

function open(disk: Disk, segmentBytes = 1024): ReturnType<typeof openDurableLog> {
  const identity = { clusterId: 7n, nodeId: 1 };
  return openDurableLog({ disk, directory, identity, bootstrap: configurationOf([1]), segmentBytes });
}

function entry(index: number, bytes: number): Entry {
  return { index, term: 1, kind: "command", data: Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + index) % 256) };
}

/** Two segments: records of 1, 2, and 3 to 5, and of 6 to 8. Returns where each record ends in its file. */
async function writeSmallLog(disk: Disk): Promise<{ readonly entries: Entry[]; readonly ends: number[] }> {
  const { log } = await open(disk);
  const entries = [30, 200, 60, 60, 60, 400, 50, 60].map((bytes, i) => entry(i + 1, bytes));
  const ends: number[] = [];
  const batches = [
    entries.slice(0, 1),
    entries.slice(1, 2),
    entries.slice(2, 5),
    entries.slice(5, 7),
    entries.slice(7),
  ];
  for (const batch of batches) {
    await log.append({ hardState: { term: 1, vote: batch[0]!.index }, entries: batch });
    ends.push(await dataEnd(disk, batch[0]!.index < 6 ? firstFile : secondFile));
  }
  await log.close();
  return { entries, ends };
}

async function dataEnd(disk: Disk, path: string): Promise<number> {
  const file = await disk.open(path);
  const bytes = await file.read(0, await file.size());
  await file.close();
  return bytes.findLastIndex((byte) => byte !== 0) + 1;
}

/** Runs `main` as one life of a process, to its end. */
async function life<T>(process: SimulatedProcess, main: (disk: Disk) => Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  process.start(({ disk }) => main(disk).then(resolve, reject));
  try {
    return await promise;
  } finally {
    process.kill();
  }
}

function reopen(process: SimulatedProcess): Promise<RecoveredLog> {
  return life(process, async (disk) => (await open(disk)).recovered);
}

/** What becomes of the small log after `damage`: what is recovered, or the error. */
async function afterDamage(
  damage: (world: World, process: SimulatedProcess) => void | Promise<void>,
): Promise<{ readonly outcome: RecoveredLog | LogCorruptError; readonly entries: Entry[] }> {
  const { value } = await simulate({ seed: 1 }, async (world) => {
    const process = world.process("node");
    const { entries } = await life(process, writeSmallLog);
    await damage(world, process);
    const outcome = await reopen(process).catch((error: unknown) => {
      if (error instanceof LogCorruptError) return error;
      throw error;
    });
    return { outcome, entries };
  });
  return value;
}

async function layout(): Promise<{ readonly ends: number[]; readonly sizes: number[] }> {
  const { value } = await simulate({ seed: 1 }, async (world) => {
    const process = world.process("node");
    const { ends } = await life(process, writeSmallLog);
    return { ends, sizes: [firstFile, secondFile].map((path) => process.disk.content(path)!.length) };
  });
  return value;
}

describe("a bit that has turned", () => {
  it.each([firstFile, secondFile])("anywhere in the records of %s is found", async (path) => {
    await simulate({ seed: 1 }, async (world) => {
      const process = world.process("node");
      const { entries, ends } = await life(process, writeSmallLog);
      const end = path === firstFile ? ends[2]! : ends[4]!;
      for (let offset = 0; offset < end; offset++) {
        process.disk.flipBit(path, offset, offset % 8);
        const error = await reopen(process).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: "LOG_CORRUPT", file: path });
        expect((error as LogCorruptError).offset).toBeLessThanOrEqual(offset);
        process.disk.flipBit(path, offset, offset % 8);
      }
      expect((await reopen(process)).entries).toEqual(entries);
    });
  });

  it("anywhere in a snapshot is found, and the log is enough when it reaches back", async () => {
    await simulate({ seed: 1 }, async (world) => {
      const process = world.process("node");
      const { entries } = await life(process, async (disk) => {
        const small = await writeSmallLog(disk);
        const { log } = await open(disk);
        const writer = await log.createSnapshot({ index: 3, term: 1, configuration: configurationOf([1]) });
        await writer.write(Uint8Array.from({ length: 100 }, (_, i) => i));
        await writer.commit();
        return small;
      });
      const path = `${directory}/snapshot-0000000000000003-1.snap`;
      const size = process.disk.content(path)!.length;
      for (let offset = 0; offset < size; offset++) {
        process.disk.flipBit(path, offset, offset % 8);
        expect(await reopen(process)).toMatchObject({ snapshot: { index: 0 }, entries });
        process.disk.flipBit(path, offset, offset % 8);
      }
      expect(await reopen(process)).toMatchObject({ snapshot: { index: 3 }, entries: entries.slice(3) });
    });
  });

  it("in free space costs nothing or is refused", async () => {
    const { ends, sizes } = await layout();
    for (const [file, from, to] of [
      [firstFile, ends[2]!, sizes[0]!],
      [secondFile, ends[4]!, sizes[1]!],
    ] as const) {
      for (let offset = from; offset < to; offset += 13) {
        const { outcome, entries } = await afterDamage((_, process) => process.disk.flipBit(file, offset, 3));
        if (outcome instanceof LogCorruptError) expect(file).toBe(secondFile);
        else expect(outcome.entries).toEqual(entries);
      }
    }
  });
});

describe("a file that was cut", () => {
  it("in the last record loses that record alone", async () => {
    const { ends } = await layout();
    for (let size = ends[3]!; size < ends[4]!; size++) {
      const { outcome, entries } = await afterDamage((_, process) =>
        life(process, async (disk) => {
          const file = await disk.open(secondFile);
          await file.truncate(size);
          await file.sync();
        }),
      );
      expect(outcome).toMatchObject({ hardState: { term: 1, vote: 6 }, entries: entries.slice(0, 7) });
    }
  });

  it("in an earlier segment is refused", async () => {
    const { ends } = await layout();
    for (const size of [ends[0]! + 1, ends[1]!, ends[2]! - 1]) {
      const { outcome } = await afterDamage((_, process) =>
        life(process, async (disk) => (await disk.open(firstFile)).truncate(size)),
      );
      expect(outcome).toBeInstanceOf(LogCorruptError);
      expect((outcome as Error).message).toContain("but a later segment follows");
    }
  });
});

describe("a process that ended too early", () => {
  it("leaves a torn record, which is never in the way of the next ones", async () => {
    let torn = 0;
    for (let seed = 1; seed <= 80; seed++) {
      const { faults } = await simulate({ seed }, async (world) => {
        const process = world.process("node");
        process.start(async ({ disk }) => {
          const { log } = await open(disk, 16_384);
          await log.append({ entries: [entry(1, 10)] });
          process.disk.stall("sync");
          await log.append({ entries: [entry(2, 5000)] });
        });
        await world.clock.sleep(100);
        process.crash({ unsynced: "subset" });
        const recovered = await life(process, async (disk) => {
          const { log, recovered } = await open(disk, 16_384);
          await log.append({ entries: [entry(recovered.entries.length + 1, 10)] });
          return recovered.entries;
        });
        process.crash({ unsynced: "none", entries: "none" });
        expect((await reopen(process)).entries).toEqual([...recovered, entry(recovered.length + 1, 10)]);
      });
      torn += faults["torn-write"] ?? 0;
    }
    expect(torn).toBeGreaterThan(10);
  });

  it("leaves a new segment whose name is not durable, which it is before it is used", async () => {
    await simulate({ seed: 2 }, async (world) => {
      const process = world.process("node");
      process.start(async ({ disk }) => {
        const { log } = await open(disk);
        await log.append({ entries: [entry(1, 900)] });
        process.disk.stall("syncDirectory");
        await log.append({ entries: [entry(2, 900)] });
      });
      await world.clock.sleep(100);
      process.kill();
      process.disk.release();
      expect(process.disk.names(directory, "visible")).toContain("segment-0000000000000002.log");
      expect(process.disk.names(directory, "durable")).not.toContain("segment-0000000000000002.log");
      await life(process, async (disk) => {
        const { log } = await open(disk);
        await log.append({ entries: [entry(2, 10)] });
      });
      process.crash({ unsynced: "none", entries: "none" });
      expect((await reopen(process)).entries).toEqual([entry(1, 900), entry(2, 10)]);
    });
  });
});

describe("a disk that fails", () => {
  it.each([
    ["write", "dropped"],
    ["sync", "dropped"],
    ["sync", "kept"],
  ] as const)("in a %s ends the log, with the unsynced %s", async (operation, unsynced) => {
    const { faults } = await simulate({ seed: 3 }, async (world) => {
      const process = world.process("node");
      await life(process, async (disk) => {
        const { log } = await open(disk);
        await log.append({ entries: [entry(1, 10)] });
        process.disk.failNext(operation, { unsynced });
        const failure = await log.append({ entries: [entry(2, 10)] }).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(LogFailedError);
        expect(failure).toMatchObject({ code: "LOG_FAILED", cause: { code: "EIO" } });
        const content = process.disk.content(firstFile);
        await expect(log.append({ entries: [entry(2, 10)] })).rejects.toBe(failure);
        await expect(log.compact(0)).rejects.toBe(failure);
        await expect(log.openSnapshot()).rejects.toBe(failure);
        await expect(log.createSnapshot({ index: 1, term: 1, configuration: configurationOf([1]) })).rejects.toBe(
          failure,
        );
        expect(process.disk.content(firstFile)).toEqual(content);
        await log.close();
      });
    });
    expect(faults[`${operation}-failed`]).toBe(1);
  });

  it("in a sync, and forgets it, does not get away with it: what is recovered is written again", async () => {
    await simulate({ seed: 4 }, async (world) => {
      const process = world.process("node");
      await life(process, async (disk) => {
        const { log } = await open(disk);
        process.disk.failNext("sync", { unsynced: "dropped" });
        await expect(log.append({ entries: [entry(1, 900)] })).rejects.toThrow(LogFailedError);
      });
      expect((await reopen(process)).entries).toEqual([entry(1, 900)]);
      process.crash({ unsynced: "none", entries: "none" });
      expect((await reopen(process)).entries).toEqual([entry(1, 900)]);
    });
  });

  it("when it is full, and goes on after a restart with room", async () => {
    const { faults } = await simulate({ seed: 5 }, async (world) => {
      const process = world.process("node");
      const acknowledged: Entry[] = [];
      await life(process, async (disk) => {
        const { log } = await open(disk);
        process.disk.limitFree(1500);
        const failure = await appendUntilItFails(log, acknowledged);
        expect(failure).toMatchObject({ code: "LOG_FAILED", cause: { code: "ENOSPC" } });
      });
      process.disk.limitFree(undefined);
      const { entries } = await reopen(process);
      expect(entries.slice(0, acknowledged.length)).toEqual(acknowledged);
      expect(entries.length).toBeLessThanOrEqual(acknowledged.length + 1);
    });
    expect(faults["disk-full"]).toBeGreaterThan(0);
  });

  it.each(["rename", "syncDirectory", "open"] as const)("in a %s for a new segment ends the log", async (operation) => {
    await simulate({ seed: 6 }, async (world) => {
      const process = world.process("node");
      const acknowledged: Entry[] = [];
      await life(process, async (disk) => {
        const { log } = await open(disk);
        process.disk.failNext(operation);
        expect(await appendUntilItFails(log, acknowledged)).toBeInstanceOf(LogFailedError);
      });
      process.crash();
      expect((await reopen(process)).entries).toEqual(acknowledged);
    });
  });

  it("in a syncDirectory for a snapshot ends the log", async () => {
    await simulate({ seed: 7 }, async (world) => {
      const process = world.process("node");
      await life(process, async (disk) => {
        const { log } = await open(disk);
        await log.append({ entries: [entry(1, 10)] });
        const writer = await log.createSnapshot({ index: 1, term: 1, configuration: configurationOf([1]) });
        process.disk.failNext("syncDirectory");
        await expect(writer.commit()).rejects.toThrow(LogFailedError);
        await expect(log.append({ entries: [entry(2, 10)] })).rejects.toThrow("cannot sync the directory /data");
      });
    });
  });

  it("while a snapshot is written keeps the log, and leaves no file", async () => {
    await simulate({ seed: 8 }, async (world) => {
      const process = world.process("node");
      await life(process, async (disk) => {
        const { log } = await open(disk);
        await log.append({ entries: [entry(1, 10)] });
        const writer = await log.createSnapshot({ index: 1, term: 1, configuration: configurationOf([1]) });
        await writer.write(new Uint8Array(100_000));
        process.disk.failNext("sync");
        await expect(writer.commit()).rejects.toThrow(LogFailedError);
        expect(process.disk.names(directory)?.filter((name) => name.includes("snapshot"))).toEqual([]);
        await log.append({ entries: [entry(2, 10)] });
        expect(await log.openSnapshot()).toBeUndefined();
      });
    });
  });
});

async function appendUntilItFails(log: DurableLog, acknowledged: Entry[]): Promise<unknown> {
  for (let index = 1; index < 100; index++) {
    try {
      await log.append({ entries: [entry(index, 150)] });
    } catch (error) {
      return error;
    }
    acknowledged.push(entry(index, 150));
  }
  return undefined;
}
