import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SparseBytes } from "./sparse-bytes.ts";

const step = fc.oneof(
  fc.record({
    offset: fc.integer({ min: 0, max: 9000 }),
    bytes: fc.uint8Array({ maxLength: 5000, size: "max" }),
  }),
  fc.record({ size: fc.integer({ min: 0, max: 12_000 }) }),
);

describe("SparseBytes", () => {
  it("reads as a plain array would after any writes and truncations", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const sparse = new SparseBytes();
        let plain = new Uint8Array(0);
        for (const one of steps) {
          const size =
            "size" in one
              ? one.size
              : one.bytes.length > 0
                ? Math.max(plain.length, one.offset + one.bytes.length)
                : plain.length;
          const next = new Uint8Array(size);
          next.set(plain.subarray(0, size));
          if ("bytes" in one && one.bytes.length > 0) next.set(one.bytes, one.offset);
          plain = next;
          if ("size" in one) sparse.truncate(one.size);
          else sparse.write(one.offset, one.bytes);
        }
        expect(sparse.size).toBe(plain.length);
        expect(sparse.read(0, 20_000)).toEqual(plain);
        expect(sparse.read(4000, 200)).toEqual(plain.slice(4000, 4200));
      }),
    );
  });

  it("clones share nothing", () => {
    const one = new SparseBytes();
    one.write(0, Uint8Array.of(1));
    const two = one.clone();
    two.write(0, Uint8Array.of(2));
    expect([one.read(0, 1)[0], two.read(0, 1)[0]]).toEqual([1, 2]);
  });
});
