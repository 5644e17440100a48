import { describe, expect, it } from "vitest";
import type { Message, PeerMessage, PeerTransport } from "../consensus/index.ts";
import { seededRandom, simulate, type Runtime } from "../runtime/index.ts";
import { falsePeerMessage } from "./false-peer-message.ts";
import { MessageTap, type MessageFault } from "./message-tap.ts";
import { tappedNetwork, turnBit } from "./tapped-network.ts";
import { tappedTransport } from "./tapped-transport.ts";

/** Sends 1, 2, 3 to "b" and 4 to "c", one each millisecond; tells what left, and when, in tenths of milliseconds. */
async function send(...faults: MessageFault[]): Promise<{ left: [number, number][]; counts: string[] }> {
  const { value } = await simulate({ seed: 1 }, async ({ clock }) => {
    const left: [number, number][] = [];
    const counts: string[] = [];
    const tap = new MessageTap<number>({
      falsify: (message) => (message === 2 ? undefined : -message),
      isReliable: true,
    });
    for (const fault of faults) tap.begin(fault, seededRandom(1), (kind) => counts.push(kind));
    for (const message of [1, 2, 3, 4]) {
      const sent = tap.send(message, message === 4 ? "c" : "b", clock, (it) =>
        left.push([it, Math.round(clock.now())]),
      );
      expect(sent).toBe(!faults.some(({ kind, to }) => kind === "silent" && (to === undefined || message !== 4)));
      await clock.sleep(1);
    }
    await clock.sleep(1_000);
    return { left, counts };
  });
  return value;
}

describe("messages on their way out", () => {
  it.each<[string, MessageFault[], [number, number][], string[]]>([
    [
      "leave at once without a fault",
      [],
      [
        [1, 0],
        [2, 1],
        [3, 2],
        [4, 3],
      ],
      [],
    ],
    ["do not leave", [{ kind: "silent", share: 1, to: new Set(["b"]) }], [[4, 3]], Array(3).fill("message-silenced")],
    [
      "leave changed, where there is something to change",
      [{ kind: "wrong", share: 1, to: new Set(["b"]) }],
      [
        [-1, 0],
        [2, 1],
        [-3, 2],
        [4, 3],
      ],
      ["message-wrong", "message-wrong"],
    ],
    [
      "leave late, by the sum of all delays",
      [
        { kind: "delayed", share: 1, delayMs: 10, to: new Set(["b"]) },
        { kind: "delayed", share: 1, delayMs: 20, to: new Set(["b"]) },
      ],
      [
        [4, 3],
        [1, 30],
        [2, 31],
        [3, 32],
      ],
      Array(6).fill("message-delayed"),
    ],
    [
      "are left alone at a share of 0",
      [{ kind: "silent", share: 0 }],
      [
        [1, 0],
        [2, 1],
        [3, 2],
        [4, 3],
      ],
      [],
    ],
  ])("%s", async (_, faults, left, counts) => {
    if (faults[0]?.share === 0) {
      const tap = new MessageTap<number>({ falsify: () => undefined, isReliable: true });
      tap.begin(faults[0], seededRandom(1), () => expect.unreachable());
      expect(tap.send(1, "b", {} as Runtime["clock"], () => undefined)).toBe(true);
      return;
    }
    expect(await send(...faults)).toEqual({ left, counts });
  });

  it("leave twice, the second one soon after", async () => {
    const { left, counts } = await send({ kind: "duplicate", share: 1, delayMs: 5 });
    expect(left.map(([message]) => message).toSorted((one, other) => one - other)).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
    for (const [message, at] of left) expect(at).toBeLessThanOrEqual(message - 1 + 5);
    expect(counts).toHaveLength(4);
  });

  it("are overtaken", async () => {
    const { left, counts } = await send({ kind: "reordered", share: 1, delayMs: 100 });
    const order = left.map(([message]) => message);
    expect(order.toSorted((one, other) => one - other)).toEqual([1, 2, 3, 4]);
    expect(order).not.toEqual([1, 2, 3, 4]);
    expect(counts).toEqual(Array(4).fill("message-late"));
  });

  it("leave as before when the fault is over", () => {
    const tap = new MessageTap<number>({ falsify: () => undefined, isReliable: true });
    const end = tap.begin({ kind: "silent", share: 1 }, seededRandom(1), () => undefined);
    const clock = {} as Runtime["clock"];
    expect(tap.send(1, "b", clock, () => undefined)).toBe(false);
    end();
    end();
    expect(tap.send(1, "b", clock, () => undefined)).toBe(true);
  });
});

describe("bytes of a stream", () => {
  it.each<[string, MessageFault | undefined, string]>([
    ["arrive", undefined, "one two three end"],
    [
      "arrive in order and before the end although each is held back",
      { kind: "reordered", share: 1, delayMs: 50 },
      "one two three end",
    ],
    ["arrive once", { kind: "duplicate", share: 1, delayMs: 5 }, "one two three end"],
    ["do not arrive, the end does", { kind: "silent", share: 1 }, "end"],
  ])("%s", async (_, fault, expected) => {
    const { value } = await simulate({ seed: 2, network: { split: 0 } }, (world) => {
      return new Promise<string>((resolve) => {
        const received: string[] = [];
        world.process("b").start(async ({ network }) => {
          await network.listen({ host: "b", port: 1 }, (connection) => {
            connection.handle({
              onData: (bytes) => received.push(new TextDecoder().decode(bytes)),
              onClose: () => resolve(`${received.join("")}end`),
            });
          });
        });
        world.process("a").start(async ({ network: inner, clock }) => {
          const streams = new MessageTap({ falsify: turnBit, isReliable: false });
          const datagrams = new MessageTap({ falsify: turnBit, isReliable: false });
          const network = tappedNetwork(inner, { streams, datagrams, clock, nameOf: (host) => host });
          if (fault !== undefined) streams.begin(fault, seededRandom(1), () => undefined);
          await clock.sleep(1);
          const connection = await network.connect({ host: "b", port: 1 });
          connection.handle({ onData: () => undefined, onClose: () => undefined });
          for (const word of ["one ", "two ", "three "]) connection.write(new TextEncoder().encode(word));
          connection.end();
        });
      });
    });
    expect(value).toBe(expected);
  });
});

describe("a Raft node's lies", () => {
  const envelope = { from: 1, to: 2, term: 7 };
  const entry = { index: 5, term: 7, kind: "command", data: Uint8Array.of(1, 2, 3) };

  it.each<[object, object]>([
    [{ type: "voteResult", preVote: false, granted: false }, { granted: true }],
    [
      { type: "appendRejected", rejectedIndex: 9, hintIndex: 3, hintTerm: 1 },
      { type: "appendAccepted", matchIndex: 9 },
    ],
    [{ type: "appendAccepted", matchIndex: 9 }, { matchIndex: expect.toSatisfy((index: number) => index > 9) }],
    [{ type: "heartbeatResult", readSequence: 1 }, { readSequence: expect.toSatisfy((value: number) => value > 1) }],
    [
      { type: "readIndexResult", id: 1, index: 50 },
      { id: 1, index: expect.toSatisfy((value: number) => value < 50) },
    ],
    [
      { type: "requestVote", preVote: true, lastIndex: 3, lastTerm: 2 },
      { lastIndex: expect.toSatisfy((value: number) => value > 3), preVote: true },
    ],
  ])("about %j say %j", (message, lie) => {
    const original = { ...envelope, ...message } as unknown as Message;
    expect(falsePeerMessage(original, seededRandom(1))).toMatchObject({ ...envelope, ...lie });
  });

  it("about appends raise the commit index, or change what nobody proposed", () => {
    const append = { ...envelope, type: "append", previousIndex: 4, previousTerm: 7, commit: 4, entries: [entry] };
    const lies = Array.from({ length: 20 }, (_, seed) =>
      falsePeerMessage(append as unknown as PeerMessage, seededRandom(seed)),
    ) as unknown as (typeof append)[];
    expect(lies.some(({ commit }) => commit > 4)).toBe(true);
    const changed = lies.filter(({ entries }) => entries[0]!.data.join() !== "1,2,3");
    expect(changed.length).toBeGreaterThan(3);
    for (const { entries } of changed) expect(entries[0]).toMatchObject({ index: 5, term: 7 });
    expect(entry.data).toEqual(Uint8Array.of(1, 2, 3));
  });

  it("are none where there is nothing to lie about", () => {
    const proposal = { ...envelope, type: "propose", commands: [] } as const;
    expect(falsePeerMessage(proposal, seededRandom(1))).toBeUndefined();
    const granted = { ...envelope, type: "voteResult", preVote: false, granted: true } as const;
    expect(falsePeerMessage(granted, seededRandom(1))).toBeUndefined();
  });

  it("leave through its transport to the peers it names", () => {
    const sent: PeerMessage[] = [];
    const inner = { send: (message: PeerMessage) => sent.push(message) } as unknown as PeerTransport;
    const tap = new MessageTap({ falsify: falsePeerMessage, isReliable: true });
    const transport = tappedTransport(inner, { tap, clock: {} as Runtime["clock"], nameOf: (id) => `n${id}` });
    tap.begin({ kind: "wrong", share: 1, to: new Set(["n2"]) }, seededRandom(1), () => undefined);
    const refused = { ...envelope, type: "voteResult", preVote: false, granted: false } as const;
    transport.send(refused);
    transport.send({ ...refused, to: 3 });
    expect(sent).toEqual([
      { ...refused, granted: true },
      { ...refused, to: 3 },
    ]);
  });
});
