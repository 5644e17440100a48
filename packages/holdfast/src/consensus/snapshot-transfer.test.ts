import { describe, expect, it } from "vitest";
import { simulate, type World } from "../runtime/index.ts";
import type { SnapshotMeta } from "./entry.ts";
import { openDurableLog } from "./log/open-durable-log.ts";
import type { DurableLog } from "./log/durable-log.ts";
import type { SnapshotChunk, SnapshotChunkResult } from "./peer-message.ts";
import { SnapshotReceiver, type StagedSnapshot } from "./snapshot-receiver.ts";
import { SnapshotSender } from "./snapshot-sender.ts";
import { configurationOf } from "./configuration.ts";

const bootstrap = configurationOf([1, 2]);
const meta: SnapshotMeta = { index: 9, term: 2, configuration: bootstrap };
const state = Uint8Array.from({ length: 1050 }, (_, at) => at * 7);
const chunkBytes = 100;
const retryMs = 200;

interface Setting {
  readonly world: World;
  readonly sent: SnapshotChunk[];
  readonly done: boolean[];
  readonly sender: SnapshotSender;
  readonly staged: StagedSnapshot[];
  receiver: SnapshotReceiver;
  readonly receiverLog: DurableLog;
  /** Decides what becomes of a chunk on its way: how often it arrives. */
  arrives: (chunk: SnapshotChunk) => number;
  /** The same for its answer. */
  answered: (result: SnapshotChunkResult) => number;
  /** What the receiving member holds after it has committed what is staged. */
  received(): Promise<Uint8Array>;
}

/** One snapshot on its way from one real log to another, on simulated disks, over a link that a test interferes with. */
function withTransfer(test: (setting: Setting) => Promise<void>): Promise<unknown> {
  return simulate({ seed: 1 }, async (world) => {
    const openLog = async (nodeId: number): Promise<DurableLog> => {
      const process = world.process(`n${nodeId}`);
      process.start(() => undefined);
      const { disk } = process.runtime;
      return (await openDurableLog({ disk, directory: "/data", identity: { clusterId: 1n, nodeId }, bootstrap })).log;
    };
    const [log, receiverLog] = [await openLog(1), await openLog(2)];
    const writer = await log.createSnapshot(meta);
    await writer.write(state);
    await writer.commit();
    const { clock } = world.process("n1").runtime;

    async function arrive(chunk: SnapshotChunk): Promise<void> {
      const taken = await setting.receiver.take(chunk);
      if (taken === undefined) return;
      if (taken.staged !== undefined) setting.staged.push(taken.staged);
      const { from: to, to: from, term, snapshot } = chunk;
      const result = { type: "snapshotChunkResult", from, to, term, offset: taken.offset } as const;
      const answer: SnapshotChunkResult = { ...result, snapshotIndex: snapshot.index };
      for (let times = setting.answered(answer); times > 0; times--) {
        clock.setTimer(1, () => setting.sender.onResult(answer));
      }
    }
    const setting: Setting = {
      world,
      sent: [],
      done: [],
      staged: [],
      receiver: new SnapshotReceiver(receiverLog),
      receiverLog,
      arrives: () => 1,
      answered: () => 1,
      sender: new SnapshotSender({
        clock,
        from: 1,
        to: 2,
        term: 3,
        reader: (await log.openSnapshot())!,
        chunkBytes,
        retryMs,
        attempts: 3,
        send(chunk) {
          setting.sent.push(chunk);
          for (let times = setting.arrives(chunk); times > 0; times--) clock.setTimer(1, () => void arrive(chunk));
        },
        onDone: (delivered) => setting.done.push(delivered),
        onError: (error) => {
          throw error;
        },
      }),
      async received() {
        expect(setting.staged).toHaveLength(1);
        await setting.staged[0]!.writer.commit();
        const reader = await receiverLog.openSnapshot();
        expect(reader?.meta).toEqual(meta);
        return await reader!.read(0, reader!.size);
      },
    };
    await test(setting);
  });
}

const offsets = (sent: readonly SnapshotChunk[]): number[] => sent.map((chunk) => chunk.offset);
const once = [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000];

describe("a snapshot on its way", () => {
  it("arrives whole, one chunk after the other's answer", () =>
    withTransfer(async (setting) => {
      setting.sender.start();
      await setting.world.clock.sleep(1000);
      expect(offsets(setting.sent)).toEqual(once);
      expect(setting.done).toEqual([true]);
      expect(await setting.received()).toEqual(state);
    }));

  it("repeats a chunk that was lost, and one whose answer was", () =>
    withTransfer(async (setting) => {
      const losingOnce = (offset: number) => {
        let left = 1;
        return (at: { readonly offset: number }): number => (at.offset === offset && left-- > 0 ? 0 : 1);
      };
      setting.arrives = losingOnce(300);
      setting.answered = losingOnce(700);
      setting.sender.start();
      await setting.world.clock.sleep(2000);
      expect(offsets(setting.sent).filter((offset) => offset === 300)).toHaveLength(2);
      expect(offsets(setting.sent).filter((offset) => offset === 600)).toHaveLength(2);
      expect(setting.done).toEqual([true]);
      expect(await setting.received()).toEqual(state);
    }));

  it("is the same when every chunk and every answer arrives twice", () =>
    withTransfer(async (setting) => {
      setting.arrives = () => 2;
      setting.answered = () => 2;
      setting.sender.start();
      await setting.world.clock.sleep(5000);
      expect(setting.done).toEqual([true]);
      expect(await setting.received()).toEqual(state);
    }));

  it("starts over when the receiver lost what it had", () =>
    withTransfer(async (setting) => {
      setting.arrives = ({ offset }) => {
        if (offset === 500 && !offsets(setting.sent).slice(0, -1).includes(500)) {
          setting.receiver = new SnapshotReceiver(setting.receiverLog);
        }
        return 1;
      };
      setting.sender.start();
      await setting.world.clock.sleep(2000);
      expect(offsets(setting.sent)).toEqual([0, 100, 200, 300, 400, 500, ...once]);
      expect(setting.done).toEqual([true]);
      expect(await setting.received()).toEqual(state);
    }));

  it("is given up after so many unanswered attempts, and not before", () =>
    withTransfer(async (setting) => {
      setting.arrives = ({ offset }) => (offset < 400 ? 1 : 0);
      setting.sender.start();
      await setting.world.clock.sleep(3 * retryMs - 50);
      expect(setting.done).toEqual([]);
      await setting.world.clock.sleep(2 * retryMs);
      expect(offsets(setting.sent)).toEqual([0, 100, 200, 300, 400, 400, 400]);
      expect(setting.done).toEqual([false]);
      expect(setting.staged).toEqual([]);
    }));

  it("does not answer for another snapshot, another term, or after its end", () =>
    withTransfer(async (setting) => {
      setting.arrives = () => 0;
      setting.sender.start();
      await setting.world.clock.sleep(10);
      const answer = { type: "snapshotChunkResult", from: 2, to: 1, term: 3, snapshotIndex: 9, offset: 1050 } as const;
      setting.sender.onResult({ ...answer, snapshotIndex: 8 });
      setting.sender.onResult({ ...answer, term: 2 });
      expect(setting.done).toEqual([]);
      setting.sender.onResult(answer);
      setting.sender.onResult({ ...answer, offset: 0 });
      setting.sender.stop();
      await setting.world.clock.sleep(2000);
      expect(setting.done).toEqual([true]);
      expect(offsets(setting.sent)).toEqual([0]);
    }));

  it("sends nothing more once stopped", () =>
    withTransfer(async (setting) => {
      setting.arrives = () => 0;
      setting.sender.start();
      await setting.world.clock.sleep(10);
      setting.sender.stop();
      await setting.world.clock.sleep(2000);
      expect(offsets(setting.sent)).toEqual([0]);
      expect(setting.done).toEqual([false]);
    }));
});

describe("a snapshot receiver", () => {
  const chunk = (index: number, offset: number, length: number): SnapshotChunk => ({
    type: "snapshotChunk",
    from: 1,
    to: 2,
    term: 3,
    snapshot: { ...meta, index },
    offset,
    size: 300,
    data: state.slice(offset, offset + length),
  });

  it("drops a half of an older snapshot for a newer one, and nothing of it stays", () =>
    withTransfer(async ({ world, receiver }) => {
      expect(await receiver.take(chunk(9, 0, 100))).toEqual({ offset: 100, staged: undefined });
      expect(await receiver.take(chunk(12, 100, 100))).toEqual({ offset: 0, staged: undefined });
      expect(await receiver.take(chunk(12, 0, 100))).toEqual({ offset: 100, staged: undefined });
      expect(await receiver.take(chunk(9, 100, 100))).toEqual({ offset: 0, staged: undefined });
      expect(await receiver.take(chunk(12, 100, 200))).toMatchObject({ offset: 300 });
      const temporary = world
        .process("n2")
        .disk.names("/data")
        ?.filter((name) => name.endsWith(".tmp"));
      expect(temporary).toHaveLength(1);
    }));

  it("asks to wait while it writes", () =>
    withTransfer(async ({ receiver }) => {
      const first = receiver.take(chunk(9, 0, 100));
      expect(await receiver.take(chunk(9, 0, 100))).toBeUndefined();
      expect(await first).toEqual({ offset: 100, staged: undefined });
    }));

  it("leaves nothing behind when it is closed", () =>
    withTransfer(async ({ world, receiver }) => {
      await receiver.take(chunk(9, 0, 100));
      await receiver.close();
      await receiver.close();
      expect(
        world
          .process("n2")
          .disk.names("/data")
          ?.filter((name) => name.endsWith(".tmp")),
      ).toEqual([]);
    }));
});
