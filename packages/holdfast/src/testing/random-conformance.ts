import { equal, notDeepEqual, ok, throws } from "node:assert/strict";
import { declareTests, type RuntimeSuite } from "./conformance-suite.ts";

export function randomConformance(suite: RuntimeSuite): void {
  declareTests(suite, "random", {
    async "next lies in [0, 1) and fills it"({ random }) {
      const tenths = new Set<number>();
      for (let count = 0; count < 1000; count++) {
        const drawn = random.next();
        ok(drawn >= 0 && drawn < 1);
        tenths.add(Math.floor(drawn * 10));
      }
      equal(tenths.size, 10);
    },
    async "integer includes both bounds and nothing beyond"({ random }) {
      const drawn = new Set<number>();
      for (let count = 0; count < 500; count++) drawn.add(random.integer(-2, 2));
      equal([...drawn].sort((a, b) => a - b).join(), "-2,-1,0,1,2");
      equal(random.integer(7, 7), 7);
    },
    async "integer refuses bounds that make no range"({ random }) {
      throws(() => random.integer(2, 1), RangeError);
      throws(() => random.integer(0.5, 1), RangeError);
      throws(() => random.integer(0, 2 ** 53), RangeError);
    },
    async "bytes has the length asked for"({ random }) {
      for (const length of [0, 1, 5, 16, 33]) equal(random.bytes(length).length, length);
      notDeepEqual(random.bytes(16), random.bytes(16));
    },
    async "forks are generators of their own"({ random }) {
      const draws = ["a", "b", "a"].map((purpose) => random.fork(purpose).next());
      equal(new Set(draws).size, 3);
    },
  });
}
