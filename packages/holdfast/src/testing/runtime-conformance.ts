import { clockConformance } from "./clock-conformance.ts";
import type { RuntimeSuite } from "./conformance-suite.ts";
import { datagramConformance } from "./datagram-conformance.ts";
import { diskConformance } from "./disk-conformance.ts";
import { randomConformance } from "./random-conformance.ts";
import { streamConformance } from "./stream-conformance.ts";

/**
 * Declares the tests that every implementation of `Runtime` passes: what its interfaces promise, and that failures
 * carry the same codes everywhere.
 *
 * @example
 * import { describe, it } from "vitest"; // or from "node:test"
 * runtimeConformance({ name: "my runtime", describe, it, run: (test) => test(runtime, { host, directory, peer }) });
 */
export function runtimeConformance(suite: RuntimeSuite): void {
  suite.describe(`${suite.name} keeps the promises of Runtime`, () => {
    clockConformance(suite);
    randomConformance(suite);
    streamConformance(suite);
    datagramConformance(suite);
    diskConformance(suite);
  });
}
