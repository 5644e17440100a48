import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterPrefix, bytesOf, fromBase64, hexOf, keyLabel, textOf, toBase64 } from "./key-bytes.ts";
import { nextAfter, pageRequest } from "./key-pages.ts";

describe("bytes", () => {
  it("come back from base64 as they were", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(Array.from(fromBase64(toBase64(bytes)))).toEqual(Array.from(bytes));
      }),
    );
  });

  it("are text only when a reader would see all of it", () => {
    expect(textOf(bytesOf("größe\n\t"))).toBe("größe\n\t");
    expect(textOf(new Uint8Array([0xff, 0xfe]))).toBeUndefined();
    expect(textOf(new Uint8Array([1, 98]))).toBeUndefined();
    expect(keyLabel(new Uint8Array([1, 98]))).toBe("0x0162");
    // A sign that turns the direction around would make one key look like another.
    expect(keyLabel(bytesOf("a/\u202Egpj.exe\u200B"))).toBe(String.raw`a/\u202egpj.exe\u200b`);
    expect(keyLabel(bytesOf("\u0645\u0631"))).toBe("\u0645\u0631");
  });

  it("stand sixteen a line", () => {
    expect(hexOf(new Uint8Array(18).fill(171), 17)).toBe(
      `000000  ${Array(16).fill("ab").join(" ")}\n000010  ab ab\n… and 1 bytes more`,
    );
  });
});

describe("a prefix", () => {
  const order = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

  it("ends right after the last key that begins with it", () => {
    expect(afterPrefix(bytesOf("ab"))).toEqual(bytesOf("ac"));
    expect(afterPrefix(new Uint8Array([97, 255]))).toEqual(new Uint8Array([98]));
    expect(afterPrefix(new Uint8Array([255, 255]))).toEqual(new Uint8Array([0]));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, max: 254 }), fc.uint8Array(), (prefix, rest) => {
        expect(order(Uint8Array.from([...prefix, ...rest])) < order(afterPrefix(prefix))).toBe(true);
      }),
    );
  });

  it("of nothing is all keys, and pages go on right after the last key", () => {
    expect(pageRequest("", undefined)).toMatchObject({ key: "AA==", range_end: "AA==", keys_only: true, limit: "50" });
    expect(pageRequest("k/", nextAfter(toBase64(bytesOf("k/1"))))).toMatchObject({
      key: toBase64(bytesOf("k/1\0")),
      range_end: toBase64(bytesOf("k0")),
    });
  });
});
