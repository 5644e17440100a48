import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { prefaceBytes, readOpening } from "./http2-authority.ts";

/** Huffman's code of RFC 7541, appendix B, as far as these tests need it. */
const codes: Readonly<Record<string, string>> = {
  "0": "00000",
  "1": "00001",
  "2": "00010",
  "3": "011001",
  "7": "011101",
  "9": "011111",
  ".": "010111",
  "-": "010110",
  "/": "011000",
  ":": "1011100",
  h: "100111",
  p: "101011",
  t: "01001",
};

function huffman(text: string): Buffer {
  const bits = Array.from(text, (character) => codes[character]!).join("");
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  return Buffer.from(padded.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)));
}

function frame(type: number, flags: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  return Buffer.concat([header, payload]);
}

/** `:method` and `:scheme` by index, a literal `:path`, then the authority. */
function headers(authority: Buffer, flag: number): Buffer {
  const path = Buffer.from("/etcdserverpb.KV/Put");
  return Buffer.concat([
    Buffer.from([0x83, 0x86, 0x44, path.length]),
    path,
    Buffer.from([0x41, flag | authority.length]),
    authority,
    Buffer.from([0x88]),
  ]);
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const settings = frame(4, 0, Buffer.alloc(0));
const acknowledgement = frame(4, 1, Buffer.alloc(0));

describe("readOpening", () => {
  it.each([
    ["in Huffman's code", huffman, 0x80],
    ["as it is", (text: string) => Buffer.from(text), 0],
  ])("takes the slashes out of an authority with a scheme, %s", (_, encode, flag) => {
    const bytes = Buffer.concat([preface, settings, frame(1, 4, headers(encode("http://127.0.0.1:2379"), flag))]);
    expect(readOpening(bytes)).toEqual({ isNonsense: false, hasHeaders: true, acknowledgement: undefined });
    const wanted = frame(1, 4, headers(encode("http:--127.0.0.1:2379"), flag));
    expect(bytes.subarray(-wanted.length)).toEqual(wanted);
  });

  it.each(["127.0.0.1:2379", "http:--127.0.0.1:2379"])("leaves %s alone", (authority) => {
    const bytes = Buffer.concat([preface, settings, frame(1, 4, headers(huffman(authority), 0x80))]);
    const before = Buffer.from(bytes);
    readOpening(bytes);
    expect(bytes).toEqual(before);
  });

  it("finds an authority behind padding and priority", () => {
    const inner = headers(huffman("http://127.0.0.1:2379"), 0x80);
    const payload = Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 16]), inner, Buffer.alloc(3)]);
    const bytes = Buffer.concat([preface, settings, frame(1, 4 | 8 | 0x20, payload)]);
    readOpening(bytes);
    expect(bytes.includes(headers(huffman("http:--127.0.0.1:2379"), 0x80))).toBe(true);
  });

  it("waits for a whole header frame, and tells where the settings were acknowledged", () => {
    const whole = Buffer.concat([
      preface,
      settings,
      acknowledgement,
      frame(1, 4, headers(huffman("127.0.0.1:2379"), 0x80)),
    ]);
    const start = prefaceBytes + settings.length;
    for (let length = prefaceBytes; length < whole.length; length++) {
      expect(readOpening(whole.subarray(0, length)).hasHeaders).toBe(false);
    }
    expect(readOpening(whole)).toEqual({
      isNonsense: false,
      hasHeaders: true,
      acknowledgement: { start, end: start + acknowledgement.length },
    });
  });

  it.each([
    ["a preface that ends wrongly", Buffer.from("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")],
    ["a first frame that is no settings", Buffer.concat([preface, frame(1, 4, Buffer.alloc(4))])],
    ["a frame longer than any may be", Buffer.concat([preface, Buffer.alloc(9, 0xff)])],
  ])("knows %s for nonsense", (_, bytes) => {
    expect(readOpening(bytes).isNonsense).toBe(true);
  });

  it("takes anything without a throw", () => {
    for (let seed = 0; seed < 2_000; seed++) {
      const noise = Buffer.from(Array.from({ length: seed % 97 }, (_, at) => (seed * 31 + at * 17 + at * at) & 0xff));
      expect(readOpening(Buffer.concat([preface, settings, frame(1, seed & 0xff, noise)])).hasHeaders).toBe(true);
    }
  });
});
