import { ByteReader, ByteWriter, crc32c, MalformedError } from "../wire/index.ts";
import { decodeMessages, encodeMessages, type Carrier } from "./codec.ts";
import type { Keyring } from "./keyring.ts";
import type { Message } from "./message.ts";
import { ReplayGuard } from "./packet-replay.ts";

/** Raised when what follows it changes meaning. */
const version = 1;
const plainKind = 0;
const sealedKind = 1;
const sessionBytes = 8;
/** The widest a sequence number and a time are written. */
const maxVarintBytes = 8;
const maxSessions = 4096;

/** Why a packet was dropped, or (`unknown-type`) a message in it. */
export const dropReasons = [
  "oversized",
  "truncated",
  "version",
  "label",
  "checksum",
  "plain",
  "sealed",
  "forged",
  "replayed",
  "stale",
  "malformed",
  "unknown-type",
] as const;

export type DropReason = (typeof dropReasons)[number];

export interface PacketOptions {
  /** Packets of another label are dropped. */
  readonly label: string;
  /** Without one, packets are readable by all and guarded against damage only. */
  readonly keyring: Keyring | undefined;
  readonly maxClockSkewMs: number;
  /** Milliseconds since 1970. */
  readonly wallTime: () => number;
  readonly onDrop: (reason: DropReason) => void;
}

/**
 * Packets as they travel, in datagrams and, framed, in streams: one byte of version and kind, the label, then either
 * a CRC-32C and the messages, or a nonce and, sealed, the sender's session, a sequence number, its time and the
 * messages. The label of a sealed packet is authenticated with it.
 */
export class PacketCodec {
  /** The most that goes with the messages of a packet. */
  readonly overheadBytes: number;
  readonly #options: PacketOptions;
  readonly #headers: Readonly<Record<"plain" | "sealed", Uint8Array>>;
  readonly #writer = new ByteWriter(2048);
  readonly #replays: ReplayGuard;
  readonly #session: bigint;
  #sequence = 0;

  constructor(options: PacketOptions) {
    const { label, keyring, maxClockSkewMs } = options;
    this.#options = options;
    this.#headers = { plain: header(plainKind, label), sealed: header(sealedKind, label) };
    this.#replays = new ReplayGuard({ maxClockSkewMs, maxSessions });
    this.#session = keyring === undefined ? 0n : new ByteReader(keyring.cipher.randomBytes(8)).bigU64("session");
    const sealing = (cipher: Keyring["cipher"]): number =>
      cipher.nonceBytes + cipher.tagBytes + sessionBytes + 2 * maxVarintBytes;
    this.overheadBytes = this.#headers.plain.length + (keyring === undefined ? 4 : sealing(keyring.cipher));
  }

  /** The packet that holds these messages. */
  encode(messages: readonly Message[]): Uint8Array {
    const writer = this.#writer;
    writer.clear();
    const { keyring } = this.#options;
    if (keyring === undefined) {
      const { plain } = this.#headers;
      writer.bytes(plain);
      const checksumAt = writer.skip(4);
      encodeMessages(writer, messages);
      writer.setU32(checksumAt, crc32c(writer.view(), crc32c(plain), checksumAt + 4));
      return writer.toBytes();
    }
    const { sealed } = this.#headers;
    writer.bigU64(this.#session);
    writer.varint(++this.#sequence);
    writer.varint(Math.max(0, Math.floor(this.#options.wallTime())));
    encodeMessages(writer, messages);
    const body = keyring.seal(writer.view(), sealed);
    writer.clear();
    writer.bytes(sealed);
    writer.bytes(body);
    return writer.toBytes();
  }

  /** The messages of a packet from outside; undefined, and its reason told, when it is dropped. Never throws. */
  decode(bytes: Uint8Array, carrier: Carrier): Message[] | undefined {
    const reader = new ByteReader(bytes);
    try {
      const first = reader.u8("packet.version");
      if (first >> 4 !== version) return this.#drop("version");
      if (reader.utf8("packet.label") !== this.#options.label) return this.#drop("label");
      const kind = first & 15;
      if (kind === plainKind) return this.#decodePlain(bytes, reader, carrier);
      return kind === sealedKind ? this.#decodeSealed(bytes, reader, carrier) : this.#drop("version");
    } catch (error) {
      // What is wrong before the checksum was looked at is the damage it is there for.
      if (error instanceof MalformedError) return this.#drop("truncated");
      throw error;
    }
  }

  #decodePlain(bytes: Uint8Array, reader: ByteReader, carrier: Carrier): Message[] | undefined {
    if (this.#options.keyring !== undefined) return this.#drop("plain");
    const headerEnd = reader.offset;
    const checksum = reader.u32("packet.checksum");
    if (crc32c(bytes, crc32c(bytes.subarray(0, headerEnd)), headerEnd + 4) !== checksum) return this.#drop("checksum");
    return this.#messages(reader, carrier);
  }

  #decodeSealed(bytes: Uint8Array, outer: ByteReader, carrier: Carrier): Message[] | undefined {
    const { keyring, wallTime } = this.#options;
    if (keyring === undefined) return this.#drop("sealed");
    const associated = bytes.subarray(0, outer.offset);
    const plain = keyring.open(bytes.subarray(outer.offset), associated);
    if (plain === undefined) return this.#drop("forged");
    const reader = new ByteReader(plain);
    const session = reader.bigU64("packet.session");
    const sequence = reader.varint("packet.sequence");
    const sentAt = reader.varint("packet.sentAt");
    // Our own packets come back only when somebody sends them back.
    if (session === this.#session) return this.#drop("replayed");
    const verdict = this.#replays.admit(session, sequence, sentAt, wallTime());
    return verdict === "new" ? this.#messages(reader, carrier) : this.#drop(verdict);
  }

  /** All messages or none: half a packet would be gossip that its sender believes told. */
  #messages(reader: ByteReader, carrier: Carrier): Message[] | undefined {
    try {
      return decodeMessages(reader, carrier, () => this.#drop("unknown-type"));
    } catch (error) {
      if (error instanceof MalformedError) return this.#drop("malformed");
      throw error;
    }
  }

  #drop(reason: DropReason): undefined {
    this.#options.onDrop(reason);
  }
}

function header(kind: number, label: string): Uint8Array {
  const writer = new ByteWriter(label.length + 8);
  writer.u8((version << 4) | kind);
  writer.utf8(label);
  return writer.toBytes();
}
