import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeCipher } from "../runtime/index.ts";
import { crc32c } from "../wire/index.ts";
import { createKeyring, type Keyring } from "./keyring.ts";
import type { Message } from "./message.ts";
import { PacketCodec, type DropReason } from "./packet.ts";

const messages: readonly Message[] = [
  { type: "ping", seq: 7, target: "b", source: { name: "a", host: "127.0.0.1", port: 7946 } },
  { type: "alive", name: "ç", host: "::1", port: 1, meta: Uint8Array.of(1, 2), incarnation: 3 },
];

const secret = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const ring = (...fills: number[]): Keyring => createKeyring({ cipher: nodeCipher(), keys: fills.map(secret) });

interface Side {
  readonly codec: PacketCodec;
  readonly drops: DropReason[];
  time: number;
}

function side(options: { label?: string; keyring?: Keyring; maxClockSkewMs?: number } = {}): Side {
  const drops: DropReason[] = [];
  const self: Side = {
    drops,
    time: 1_000_000,
    codec: new PacketCodec({
      label: options.label ?? "",
      keyring: options.keyring,
      maxClockSkewMs: options.maxClockSkewMs ?? 1000,
      wallTime: () => self.time,
      onDrop: (reason) => drops.push(reason),
    }),
  };
  return self;
}

describe.each([
  ["plain", () => undefined],
  ["sealed", () => ring(1)],
])("a %s packet", (kind, keyring) => {
  const options = (): { keyring?: Keyring } => {
    const made = keyring();
    return made === undefined ? {} : { keyring: made };
  };

  it("gives back its messages, within the overhead it names", () => {
    const [a, b] = [side(options()), side(options())];
    const bytes = a.codec.encode(messages);
    expect(b.codec.decode(bytes, "datagram")).toEqual(messages);
    const empty = a.codec.encode([]);
    expect(empty.length).toBeLessThanOrEqual(a.codec.overheadBytes);
    expect(b.codec.decode(empty, "datagram")).toEqual([]);
    expect(b.drops).toEqual([]);
  });

  it("is dropped by a cluster of another label, and counted", () => {
    const [a, b] = [side({ ...options(), label: "blue" }), side({ ...options(), label: "green" })];
    expect(b.codec.decode(a.codec.encode(messages), "datagram")).toBeUndefined();
    expect(b.drops).toEqual(["label"]);
  });

  it("is dropped after any one bit of it changed", () => {
    const [a, b] = [side({ ...options(), label: "x" }), side({ ...options(), label: "x" })];
    const bytes = a.codec.encode(messages);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(b.codec.decode(changed, "datagram"), `bit ${bit}`).toBeUndefined();
    }
    expect(b.drops).toHaveLength(bytes.length * 8);
    expect(new Set(b.drops)).toContain(kind === "plain" ? "checksum" : "forged");
    expect(b.codec.decode(bytes, "datagram")).toEqual(messages);
  });

  it("is dropped after any cut", () => {
    const [a, b] = [side(options()), side(options())];
    const bytes = a.codec.encode(messages);
    for (let length = 0; length < bytes.length; length++) {
      expect(b.codec.decode(bytes.subarray(0, length), "datagram")).toBeUndefined();
    }
    expect(b.drops).toHaveLength(bytes.length);
    expect(b.drops[0]).toBe("truncated");
  });
});

describe("sealed packets", () => {
  it("tell nothing of their messages, and never look the same", () => {
    const { codec } = side({ keyring: ring(1) });
    const user: Message = { type: "user", id: "i", payload: new TextEncoder().encode("the password") };
    const [first, second] = [codec.encode([user]), codec.encode([user])];
    expect(Buffer.from(first).includes("password")).toBe(false);
    expect(first.subarray(2, 14)).not.toEqual(second.subarray(2, 14));
  });

  it("are let in once, in any order, and not when sent back to their sender", () => {
    const [a, b] = [side({ keyring: ring(1) }), side({ keyring: ring(1) })];
    const packets = Array.from({ length: 100 }, () => a.codec.encode(messages));
    for (const packet of packets.toReversed()) expect(b.codec.decode(packet, "datagram")).toEqual(messages);
    for (const packet of packets) expect(b.codec.decode(packet, "datagram")).toBeUndefined();
    expect(b.drops).toEqual(Array(100).fill("replayed"));
    expect(a.codec.decode(packets[0]!, "datagram")).toBeUndefined();
    expect(a.drops).toEqual(["replayed"]);
  });

  it("of another time are stale, also for a receiver that has just started", () => {
    const a = side({ keyring: ring(1) });
    const packet = a.codec.encode(messages);
    const late = side({ keyring: ring(1) });
    late.time += 1001;
    expect(late.codec.decode(packet, "datagram")).toBeUndefined();
    expect(late.drops).toEqual(["stale"]);
    const patient = side({ keyring: ring(1), maxClockSkewMs: Infinity });
    patient.time += 1e9;
    expect(patient.codec.decode(packet, "datagram")).toEqual(messages);
  });

  it("of strangers are forged, and plain ones are refused where packets are sealed, and the other way round", () => {
    const sealed = side({ keyring: ring(1) });
    const plain = side();
    expect(sealed.codec.decode(side({ keyring: ring(2) }).codec.encode(messages), "datagram")).toBeUndefined();
    expect(sealed.codec.decode(plain.codec.encode(messages), "datagram")).toBeUndefined();
    expect(plain.codec.decode(sealed.codec.encode(messages), "datagram")).toBeUndefined();
    expect([...sealed.drops, ...plain.drops]).toEqual(["forged", "plain", "sealed"]);
  });

  it("pass at every step of a key's change", () => {
    const rings = [ring(1), ring(1)];
    const [a, b] = rings.map((keyring) => side({ keyring })) as [Side, Side];
    const talk = (): void => {
      expect(b.codec.decode(a.codec.encode(messages), "datagram")).toEqual(messages);
      expect(a.codec.decode(b.codec.encode(messages), "datagram")).toEqual(messages);
    };
    const old = rings[0]!.primary;
    const steps: ((keyring: Keyring) => unknown)[] = [
      (keyring) => keyring.install(secret(2)),
      (keyring) => keyring.use(keyring.ids[1]!),
      (keyring) => keyring.remove(old),
    ];
    for (const step of steps) {
      for (const keyring of rings) {
        step(keyring);
        talk();
      }
    }
    expect(rings.map(({ ids }) => ids)).toEqual([[rings[0]!.primary], [rings[0]!.primary]]);
    expect(rings[0]!.primary).not.toBe(old);
    expect(a.codec.decode(side({ keyring: ring(1) }).codec.encode(messages), "datagram")).toBeUndefined();
    expect(a.drops).toEqual(["forged"]);
  });
});

describe("kinds and versions from the future", () => {
  /** A plain packet made by hand. */
  function packet(first: number, ...body: number[]): Uint8Array {
    const checksum = crc32c(Uint8Array.from([first, 0, ...body]));
    const bytes = Buffer.from([first, 0, 0, 0, 0, 0, ...body]);
    bytes.writeUInt32LE(checksum, 2);
    return new Uint8Array(bytes);
  }

  it("are counted; a message of an unknown kind is passed over, the rest of its packet read", () => {
    const { codec, drops } = side();
    expect(codec.decode(packet(0x20), "datagram")).toBeUndefined();
    expect(codec.decode(packet(0x12), "datagram")).toBeUndefined();
    expect(codec.decode(packet(0x10, 3, 99, 1, 2, 2, 3, 5), "datagram")).toEqual([{ type: "nack", seq: 5 }]);
    expect(drops).toEqual(["version", "version", "unknown-type"]);
  });

  it.each([
    ["bytes after a message", [3, 3, 5, 0]],
    ["an empty message", [0]],
    ["a length beyond the end", [9, 3, 5]],
    ["a name of no UTF-8", [6, 5, 2, 0xc3, 0x28, 1, 0]],
    ["an empty name", [4, 5, 0, 1, 0]],
    ["a sequence number above 32 bits", [7, 3, 128, 128, 128, 128, 16]],
    ["a list of all members in a datagram", [4, 8, 1, 0, 0]],
  ])("%s is malformed, and none of the packet is read", (_, body) => {
    const { codec, drops } = side();
    expect(codec.decode(packet(0x10, 2, 3, 5, ...body), "datagram")).toBeUndefined();
    expect(drops).toEqual(["malformed"]);
  });
});

describe("10 000 packets of a fuzzer", () => {
  it("are dropped, every one, and counted, and none throws", () => {
    for (const keyring of [undefined, ring(1)]) {
      const { codec, drops } = side(keyring === undefined ? {} : { keyring });
      const valid = side(keyring === undefined ? {} : { keyring: ring(1) }).codec;
      const base = fc.constantFrom(...Array.from({ length: 50 }, () => valid.encode(messages)));
      const mutation = fc
        .tuple(base, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(), fc.boolean())
        .map(([bytes, at, change, cut, isCut]) => {
          const changed = bytes.slice(0, isCut ? cut % bytes.length : bytes.length);
          if (changed.length > 0) changed[at % changed.length]! ^= change;
          return changed;
        });
      const random = fc.uint8Array({ maxLength: 1500 });
      const nearly = random.map((bytes) => Uint8Array.of(0x10 + (bytes.length & 1), 0, ...bytes));
      fc.assert(
        fc.property(fc.oneof(mutation, random, nearly), (bytes) => {
          expect(codec.decode(bytes, "datagram")).toBeUndefined();
        }),
        { numRuns: 5000, seed: 42 },
      );
      expect(drops.length).toBeGreaterThanOrEqual(5000);
    }
  });
});
