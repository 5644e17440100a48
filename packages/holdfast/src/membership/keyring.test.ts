import { describe, expect, it } from "vitest";
import { nodeCipher } from "../runtime/index.ts";
import { createKeyring } from "./keyring.ts";

const cipher = nodeCipher();
const secret = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const nothing = new Uint8Array(0);

describe("createKeyring", () => {
  it("seals with the primary, opens with any, and forgets what is removed", () => {
    const ring = createKeyring({ cipher, keys: [secret(1), secret(2)] });
    const [first, second] = ring.ids;
    const byFirst = ring.seal(Uint8Array.of(1), nothing);
    ring.use(second!);
    const bySecond = ring.seal(Uint8Array.of(2), nothing);
    expect(ring.ids).toEqual([second, first]);
    expect([byFirst, bySecond].map((sealed) => ring.open(sealed, nothing)?.[0])).toEqual([1, 2]);
    ring.remove(first!);
    expect([byFirst, bySecond].map((sealed) => ring.open(sealed, nothing)?.[0])).toEqual([undefined, 2]);
    expect(ring.install(secret(2))).toBe(second);
    expect(ring.ids).toEqual([second]);
  });

  it("does not open what lacks a part, or is bound to something else", () => {
    const ring = createKeyring({ cipher, keys: [secret(1)] });
    const sealed = ring.seal(Uint8Array.of(7), Uint8Array.of(1));
    expect(ring.open(sealed, Uint8Array.of(1))).toEqual(Uint8Array.of(7));
    expect(ring.open(sealed, Uint8Array.of(2))).toBeUndefined();
    for (let length = 0; length < sealed.length; length++) {
      expect(ring.open(sealed.subarray(0, length), Uint8Array.of(1))).toBeUndefined();
    }
  });

  it.each<[string, () => unknown, string]>([
    ["no key", () => createKeyring({ cipher, keys: [] }), "keyring.keys must hold at least one key"],
    [
      "a short secret, without telling it",
      () => createKeyring({ cipher, keys: [secret(1), new Uint8Array(16).fill(9)] }),
      "keyring.keys[1] length must be 32 bytes (got 16)",
    ],
    [
      "a ninth key",
      () => createKeyring({ cipher, keys: Array.from({ length: 9 }, (_, at) => secret(at)) }),
      "keyring.keys must be at most 8 (got 9)",
    ],
    ["a stranger's id", () => createKeyring({ cipher, keys: [secret(1)] }).use("00"), "must be of an installed key"],
    [
      "the removal of the primary",
      () => {
        const ring = createKeyring({ cipher, keys: [secret(1)] });
        ring.remove(ring.primary);
      },
      "keyring.remove id must not be the primary key's",
    ],
  ])("refuses %s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});
