import { describe, expect, it } from "vitest";
import { simulate, type Connection, type World } from "../runtime/index.ts";
import { ByteReader, ByteWriter, encodeFrame, FrameDecoder } from "../wire/index.ts";
import type { Propose } from "./message.ts";
import { encodeMessage } from "./message-codec.ts";
import type { PeerMessage, PeerTransport } from "./peer-message.ts";
import { encodeHello } from "./peer-protocol.ts";
import { tcpTransport } from "./tcp-transport.ts";

const port = 2380;
const a = { host: "a", port };
const b = { host: "b", port };
const peers = new Map([
  [1, a],
  [2, b],
]);
const clusterId = 7n;
const noted: Propose = {
  type: "propose",
  from: 1,
  to: 2,
  term: 3,
  commands: [Uint8Array.of(10, 11), Uint8Array.of(12)],
  notes: [{ at: 1, text: "a note" }],
};
const { notes: _, ...plain } = noted;
/** As it was before there were notes: kind, term, how many, and each with its length. */
const plainBytes = [7, 3, 2, 2, 10, 11, 1, 12];

/** A member of today, and what it has heard. */
async function member(world: World, host: "a" | "b", takesNotes: boolean): Promise<[PeerTransport, PeerMessage[]]> {
  const process = world.process(host);
  process.start(() => undefined);
  const { clock, network, random } = process.runtime;
  const id = host === "a" ? 1 : 2;
  const transport = tcpTransport({ network, clock, random, clusterId, id, listen: { host, port }, peers, takesNotes });
  const heard: PeerMessage[] = [];
  await transport.start({ onMessage: (message) => heard.push(message), onUnreachable: () => undefined });
  return [transport, heard];
}

/** What a member of before sends and hears, as bytes: with nothing of today's code but the frames. */
class OldMember {
  readonly frames: number[][] = [];

  listen(world: World, host: string): Promise<unknown> {
    return world.process(host).runtime.network.listen({ host, port }, (connection) => {
      this.hear(connection, () => void connection.write(encodeFrame(Uint8Array.of(0))));
    });
  }

  hear(connection: Connection, onFirst: () => void): void {
    const decoder = new FrameDecoder();
    connection.handle({
      onData: (bytes) =>
        decoder.push(bytes, (payload) => {
          if (this.frames.push([...payload]) === 1) onFirst();
        }),
      onClose: () => undefined,
    });
  }
}

function encoded(message: PeerMessage): number[] {
  const writer = new ByteWriter();
  encodeMessage(writer, message);
  return [...writer.toBytes()];
}

describe("members of two versions", () => {
  it("say a proposal without notes in the same bytes", () => {
    expect(encoded(plain)).toEqual(plainBytes);
    expect(encoded(noted)).not.toEqual(plainBytes);
  });

  it("send notes only to those that say that they know them", async () => {
    for (const takesNotes of [true, false]) {
      await simulate({ seed: 1 }, async (world) => {
        const [sender] = await member(world, "a", !takesNotes);
        const [, heard] = await member(world, "b", takesNotes);
        await world.clock.sleep(200);
        sender.send(noted);
        await world.clock.sleep(100);
        expect(heard).toEqual([takesNotes ? noted : plain]);
      });
    }
  });

  it("understand each other: a new one sends to an old one", async () => {
    await simulate({ seed: 1 }, async (world) => {
      world.process("b").start(() => undefined);
      const old = new OldMember();
      await old.listen(world, "b");
      const [sender] = await member(world, "a", true);
      await world.clock.sleep(200);
      sender.send(noted);
      await world.clock.sleep(100);
      expect(old.frames).toHaveLength(2);
      // The hello of version 2, and a proposal that an old member reads to its end.
      expect(old.frames[0]?.slice(0, 5)).toEqual([0x31, 0x50, 0x46, 0x48, 2]);
      expect(old.frames[1]).toEqual(plainBytes);
    });
  });

  it.each([true, false])(
    "understand each other: an old one sends to a new one, which takes notes: %s",
    async (takes) => {
      await simulate({ seed: 1 }, async (world) => {
        world.process("b").start(() => undefined);
        const [, heard] = await member(world, "a", takes);
        const connection = await world.process("b").runtime.network.connect(a);
        const old = new OldMember();
        old.hear(connection, () => undefined);
        connection.write(encodeHello({ clusterId, from: 2, to: 1, address: b }));
        await world.clock.sleep(100);
        // An old one reads the refusal, and no further.
        expect(new ByteReader(Uint8Array.from(old.frames[0] ?? [])).utf8("refusal")).toBe("");
        if (!takes) expect(old.frames[0]).toEqual([0]);
        connection.write(encodeFrame(Uint8Array.from(plainBytes)));
        await world.clock.sleep(1_000);
        expect(heard).toEqual([{ ...plain, from: 2, to: 1 }]);
        // That it is still there it says as ever.
        expect(old.frames.slice(1)).toContainEqual([0]);
      });
    },
  );

  it("go on without notes when a member comes back in its former version", async () => {
    await simulate({ seed: 1 }, async (world) => {
      const [sender] = await member(world, "a", true);
      await member(world, "b", true);
      await world.clock.sleep(200);
      world.process("b").kill();
      await world.clock.sleep(500);
      world.process("b").start(() => undefined);
      const old = new OldMember();
      await old.listen(world, "b");
      await world.clock.sleep(2_000);
      sender.send(noted);
      await world.clock.sleep(100);
      expect(old.frames.at(-1)).toEqual(plainBytes);
      expect(world.faults["kill"]).toBe(1);
    });
  });
});
