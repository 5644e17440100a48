import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Disk, nodeRuntime } from "../../runtime/index.ts";
import type { Entry } from "../entry.ts";
import type { DurableLog, SnapshotReader } from "./durable-log.ts";
import { ForeignDirectoryError, LogCorruptError, LogFailedError } from "./log-error.ts";
import { type DurableLogOptions, openDurableLog } from "./open-durable-log.ts";
import { configurationOf } from "../configuration.ts";

const identity = { clusterId: 0xfeedn, nodeId: 2 };
const bootstrap = configurationOf([1, 2, 3]);
const disk: Disk = nodeRuntime({ seed: 1 }).disk;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "holdfast-log-"));
});

afterEach(() => rm(directory, { recursive: true }));

function open(options: Partial<DurableLogOptions> = {}): ReturnType<typeof openDurableLog> {
  return openDurableLog({ disk, directory, identity, bootstrap, segmentBytes: 4096, ...options });
}

function entries(from: number, to: number, term: number, bytes = 100): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({
    index: from + i,
    term,
    kind: "command",
    data: new Uint8Array(bytes).fill(from + i),
  }));
}

async function saveSnapshot(log: DurableLog, index: number, term: number, state: Uint8Array): Promise<void> {
  const writer = await log.createSnapshot({ index, term, configuration: configurationOf([1, 2, 4]) });
  await writer.write(state);
  await writer.commit();
}

async function stateOf(reader: SnapshotReader): Promise<Uint8Array> {
  const state = await reader.read(0, reader.size);
  await reader.close();
  return state;
}

async function names(suffix: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith(suffix)).sort();
}

async function turnBit(name: string, offset: number): Promise<void> {
  const path = join(directory, name);
  const bytes = await readFile(path);
  bytes[offset]! ^= 4;
  await writeFile(path, bytes);
}

describe("a durable log in real files", () => {
  it("starts empty with the bootstrap members, which it keeps", async () => {
    const first = await open();
    const expected = { hardState: { term: 0, vote: 0 }, snapshot: { index: 0, term: 0, configuration: bootstrap } };
    expect(first.recovered).toEqual({ ...expected, entries: [] });
    await first.log.close();
    const second = await open({ bootstrap: configurationOf([9]) });
    expect(second.recovered).toEqual({ ...expected, entries: [] });
    await second.log.close();
  });

  it("recovers hard state and entries over many segments, suffixes replaced", async () => {
    const { log } = await open();
    await log.append({ hardState: { term: 1, vote: 2 }, entries: [] });
    for (let index = 1; index <= 200; index += 5) await log.append({ entries: entries(index, index + 4, 1) });
    await log.append({ hardState: { term: 3, vote: 0 }, entries: entries(100, 120, 3) });
    await log.append({ entries: [] });
    expect(log.sizeBytes).toBeGreaterThan(20_000);
    await log.close();
    expect((await names(".log")).length).toBeGreaterThan(5);
    const { log: again, recovered } = await open();
    expect(recovered.hardState).toEqual({ term: 3, vote: 0 });
    expect(recovered.entries).toEqual([...entries(1, 99, 1), ...entries(100, 120, 3)]);
    await again.append({ entries: entries(121, 121, 3) });
    await again.close();
    const third = await open();
    expect(third.recovered.entries).toHaveLength(121);
    await third.log.close();
  });

  it("holds a record larger than a segment, and the entries before and after it", async () => {
    const { log } = await open();
    const written = [...entries(1, 1, 1), ...entries(2, 2, 1, 700_000), ...entries(3, 3, 1)];
    for (const entry of written) await log.append({ entries: [entry] });
    await log.close();
    const { log: again, recovered } = await open();
    expect(recovered.entries).toEqual(written);
    await again.close();
  });

  it("saves a snapshot, drops the segments it covers, and goes on after it", async () => {
    const state = Uint8Array.from({ length: 200_000 }, (_, i) => i % 253);
    const { log } = await open();
    await log.append({ hardState: { term: 4, vote: 1 }, entries: entries(1, 20, 4) });
    for (let index = 21; index <= 100; index += 5) await log.append({ entries: entries(index, index + 4, 4) });
    await expect(log.compact(50)).rejects.toThrow("log.compact index must be <= 0, the newest snapshot's (got 50)");
    await saveSnapshot(log, 30, 4, Uint8Array.of(1));
    await saveSnapshot(log, 60, 4, state);
    expect(await names(".snap")).toEqual(["snapshot-0000000000000060-4.snap"]);
    const before = log.sizeBytes;
    await log.compact(60);
    expect(log.sizeBytes).toBeLessThan(before);
    expect((await names(".log"))[0]).not.toBe("segment-0000000000000001.log");
    await log.close();

    const { log: again, recovered } = await open();
    expect(recovered.hardState).toEqual({ term: 4, vote: 1 });
    expect(recovered.snapshot).toEqual({ index: 60, term: 4, configuration: configurationOf([1, 2, 4]) });
    expect(recovered.entries).toEqual(entries(61, 100, 4));
    const reader = (await again.openSnapshot())!;
    for (const [offset, length] of [
      [0, 10],
      [65_530, 20],
      [65_536, 65_536],
      [131_000, 100_000],
      [199_999, 5],
      [200_000, 1],
    ] as const) {
      expect(await reader.read(offset, length)).toEqual(state.subarray(offset, offset + length));
    }
    expect(await stateOf(reader)).toEqual(state);
    await again.close();
  });

  it("takes a snapshot of another history, which voids the entries for good", async () => {
    const { log } = await open();
    await log.append({ hardState: { term: 2, vote: 0 }, entries: entries(1, 50, 2) });
    await saveSnapshot(log, 40, 3, Uint8Array.of(7));
    await log.close();
    const { log: again, recovered } = await open();
    expect(recovered.entries).toEqual([]);
    expect(recovered.snapshot.index).toBe(40);
    await again.append({ entries: entries(41, 42, 3) });
    await again.close();
    const third = await open();
    expect(third.recovered.entries).toEqual(entries(41, 42, 3));
    await third.log.close();
  });

  it("drops the segments that a reset made void, however far they went", async () => {
    const { log } = await open();
    for (let index = 1; index <= 100; index += 5) await log.append({ entries: entries(index, index + 4, 1) });
    await saveSnapshot(log, 40, 2, Uint8Array.of(7));
    await log.append({ reset: { index: 40, term: 2 }, entries: entries(41, 41, 2) });
    await log.compact(40);
    await log.close();
    expect(await names(".log")).toHaveLength(1);
    const again = await open();
    expect(again.recovered.entries).toEqual(entries(41, 41, 2));
    await again.log.close();
  });

  it("falls back to the bootstrap when the only snapshot is bad and the log reaches back, and refuses when not", async () => {
    const { log } = await open();
    for (let index = 1; index <= 100; index += 5) await log.append({ entries: entries(index, index + 4, 1) });
    await saveSnapshot(log, 60, 1, new Uint8Array(1000));
    await log.close();
    const [name] = await names(".snap");
    await turnBit(name!, 500);
    const { log: again, recovered } = await open();
    expect(recovered.snapshot.index).toBe(0);
    expect(recovered.entries).toEqual(entries(1, 100, 1));
    await saveSnapshot(again, 70, 1, new Uint8Array(1000));
    expect(await names(".snap")).toEqual(["snapshot-0000000000000070-1.snap"]);
    await again.compact(70);
    await again.close();
    await turnBit("snapshot-0000000000000070-1.snap", 500);
    const error = await open().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LogCorruptError);
    expect(error).toMatchObject({ code: "LOG_CORRUPT", file: join(directory, "snapshot-0000000000000070-1.snap") });
  });

  it("refuses a snapshot whose state has changed since it was opened", async () => {
    const { log } = await open();
    await log.append({ entries: entries(1, 5, 1) });
    await saveSnapshot(log, 5, 1, new Uint8Array(150_000));
    await turnBit("snapshot-0000000000000005-1.snap", 100_000);
    const reader = (await log.openSnapshot())!;
    expect(await reader.read(0, 10)).toEqual(new Uint8Array(10));
    await expect(reader.read(100_000, 10)).rejects.toThrow("block 1 does not match its checksum");
    await reader.close();
    await log.close();
  });

  it("leaves nothing of a snapshot that was given up or cut short", async () => {
    const { log } = await open();
    await log.append({ entries: entries(1, 5, 1) });
    const given = await log.createSnapshot({ index: 4, term: 1, configuration: bootstrap });
    await given.write(new Uint8Array(100_000));
    expect(given.size).toBe(100_000);
    await given.abort();
    await expect(given.write(new Uint8Array(1))).rejects.toThrow(LogFailedError);
    const cut = await log.createSnapshot({ index: 5, term: 1, configuration: bootstrap });
    await cut.write(new Uint8Array(100_000));
    await log.close();
    expect(await names(".tmp")).toHaveLength(1);
    const again = await open();
    expect(again.recovered.snapshot.index).toBe(0);
    expect(await names(".tmp")).toEqual([]);
    await again.log.close();
  });

  it("keeps the newer of two snapshots that are written at once", async () => {
    const { log } = await open();
    await log.append({ entries: entries(1, 9, 1) });
    const older = await log.createSnapshot({ index: 5, term: 1, configuration: bootstrap });
    await saveSnapshot(log, 8, 1, Uint8Array.of(8));
    await older.commit();
    expect(await names(".snap")).toEqual(["snapshot-0000000000000008-1.snap"]);
    expect(await names(".tmp")).toEqual([]);
    expect((await log.openSnapshot())?.meta.index).toBe(8);
    await expect(log.createSnapshot({ index: 7, term: 1, configuration: bootstrap })).rejects.toThrow(
      "snapshot.index must be >= 8",
    );
    await log.close();
  });
});

describe("a directory that is refused", () => {
  it.each([
    ["another cluster", { clusterId: 1n, nodeId: 2 }, "member 2 of cluster feed, not to member 2 of cluster 1"],
    ["another member", { clusterId: 0xfeedn, nodeId: 3 }, "member 2 of cluster feed, not to member 3 of cluster feed"],
  ])("is one of %s", async (_, other, message) => {
    const { log } = await open();
    await log.append({ entries: entries(1, 1, 1) });
    await log.close();
    const error = await open({ identity: other }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ForeignDirectoryError);
    expect((error as Error).message).toBe(`${join(directory, "segment-0000000000000001.log")} belongs to ${message}`);
    await (await open()).log.close();
  });

  it("is one that holds another member's snapshot", async () => {
    const other = await mkdtemp(join(tmpdir(), "holdfast-log-"));
    const { log } = await open({ directory: other, identity: { clusterId: 0xfeedn, nodeId: 3 } });
    await log.append({ entries: entries(1, 1, 1) });
    await saveSnapshot(log, 1, 1, Uint8Array.of(1));
    await log.close();
    await (await open()).log.close();
    const name = "snapshot-0000000000000001-1.snap";
    await writeFile(join(directory, name), await readFile(join(other, name)));
    await rm(other, { recursive: true });
    await expect(open()).rejects.toThrow(ForeignDirectoryError);
  });

  it("is one that is open, until it is closed", async () => {
    const { log } = await open();
    await expect(open()).rejects.toMatchObject({ code: "ELOCKED" });
    await log.close();
    await log.close();
    await (await open()).log.close();
  });

  it("is one that cannot be written", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    await expect(open({ directory: join(file, "log") })).rejects.toThrow(LogFailedError);
    await expect(open({ directory: join(file, "log") })).rejects.toThrow(`cannot open the log in ${file}`);
  });

  it("is one that has lost a segment", async () => {
    const { log } = await open();
    for (let index = 1; index <= 200; index += 5) await log.append({ entries: entries(index, index + 4, 1) });
    await log.close();
    await rm(join(directory, "segment-0000000000000003.log"));
    await expect(open()).rejects.toThrow("segment 3 before it is missing");
    await rm(join(directory, "segment-0000000000000001.log"));
    await rm(join(directory, "segment-0000000000000002.log"));
    await expect(open()).rejects.toThrow(/entries 1 to \d+ are missing/);
  });

  it("is one that has a snapshot and no segment", async () => {
    const { log } = await open();
    await log.append({ entries: entries(1, 5, 1) });
    await saveSnapshot(log, 5, 1, Uint8Array.of(1));
    await log.close();
    await rm(join(directory, "segment-0000000000000001.log"));
    await expect(open()).rejects.toThrow("there are snapshots, but no segment");
  });
});

describe("a call that makes no sense", () => {
  it.each<[string, Partial<DurableLogOptions>, string]>([
    ["a node id of 0", { identity: { clusterId: 1n, nodeId: 0 } }, "log.identity.nodeId must be a safe integer >= 1"],
    ["a wide cluster id", { identity: { clusterId: 1n << 64n, nodeId: 1 } }, "log.identity.clusterId must be from 0"],
    ["tiny segments", { segmentBytes: 100 }, "log.segmentBytes must be an integer from 1024 to 2^30 (got 100)"],
    ["no directory", { directory: "" }, "log.directory must not be empty"],
  ])("names %s", async (_, options, message) => {
    await expect(open(options)).rejects.toThrow(message);
  });

  it("does not append what leaves a gap, goes back behind a snapshot, or overlaps, and stays alive", async () => {
    const { log } = await open();
    await log.append({ entries: entries(1, 5, 1) });
    await expect(log.append({ entries: entries(7, 8, 1) })).rejects.toThrow("must be from 1 to 6 (got 7)");
    const skipping = [...entries(6, 6, 1), ...entries(8, 8, 1)];
    await expect(log.append({ entries: skipping })).rejects.toThrow("log.append entries[1].index must be 7 (got 8)");
    await expect(log.append({ reset: { index: 9, term: 2 }, entries: [] })).rejects.toThrow("reset.index must be <= 0");
    const first = log.append({ entries: entries(6, 6, 1) });
    await expect(log.append({ entries: entries(7, 7, 1) })).rejects.toThrow("must not be called before");
    await first;
    await saveSnapshot(log, 9, 2, Uint8Array.of(1));
    await log.append({ reset: { index: 9, term: 2 }, entries: entries(10, 10, 2) });
    await expect(log.append({ entries: entries(9, 9, 2) })).rejects.toThrow("must be from 10 to 11 (got 9)");
    await log.close();
    await expect(log.append({ entries: entries(11, 11, 2) })).rejects.toThrow("is closed");
  });
});
