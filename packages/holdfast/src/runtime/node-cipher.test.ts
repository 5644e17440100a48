import { describe, expect, it } from "vitest";
import { nodeCipher } from "./node-cipher.ts";

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

describe("nodeCipher", () => {
  // McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)", test cases 13 and 16.
  it.each([
    ["00".repeat(32), "00".repeat(12), "", "", "530f8afbc74536b9a963b4f1c4cb738b"],
    [
      "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
      "cafebabefacedbaddecaf888",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
      "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
    ],
  ])("is AES-256-GCM: key %s", (secret, nonce, plain, associated, sealed) => {
    const key = nodeCipher().importKey(hex(secret));
    expect(Buffer.from(key.seal(hex(nonce), hex(plain), hex(associated))).toString("hex")).toBe(sealed);
    expect(key.open(hex(nonce), hex(sealed), hex(associated))).toEqual(hex(plain));
    const forged = hex(sealed);
    forged[0]! ^= 1;
    expect(key.open(hex(nonce), forged, hex(associated))).toBeUndefined();
    expect(key.open(hex(nonce).subarray(1), hex(sealed), hex(associated))).toBeUndefined();
  });

  it("names a key without its secret, and never gives the same bytes twice", () => {
    const cipher = nodeCipher();
    expect(cipher.importKey(new Uint8Array(32)).id).toBe("66687aad");
    expect(() => cipher.importKey(new Uint8Array(31))).toThrow("a secret must be 32 bytes long (got 31)");
    const drawn = Array.from({ length: 2000 }, () => Buffer.from(cipher.randomBytes(12)).toString("hex"));
    expect(new Set(drawn).size).toBe(2000);
    expect(cipher.randomBytes(10_000)).toHaveLength(10_000);
  });
});
