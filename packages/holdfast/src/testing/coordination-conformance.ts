import { declareCoordination, type CoordinationSuite } from "./coordination-suite.ts";
import { keyValuePromises } from "./key-value-promises.ts";
import { leasePromises } from "./lease-promises.ts";
import { transactionPromises } from "./transaction-promises.ts";
import { watchPromises } from "./watch-promises.ts";

/**
 * Declares the tests that every implementation of `Coordination` passes: keys, transactions, leases and watches, and the
 * errors they are refused with. A store may be shared between tests, one after the other, and hold keys of others.
 *
 * @example
 * import { describe, it } from "vitest"; // or from "node:test"
 * const clock = new VirtualClock();
 * coordinationConformance({
 *   name: "a member in memory", describe, it,
 *   async run(test) {
 *     const coordination = createMemoryMember({ clock });
 *     await test({ coordination, other: coordination, sleep: (ms) => clock.advance(ms) });
 *   },
 * });
 */
export function coordinationConformance(suite: CoordinationSuite): void {
  suite.describe(`${suite.name} keeps the promises of Coordination`, () => {
    declareCoordination(suite, "keys", keyValuePromises);
    declareCoordination(suite, "transactions", transactionPromises);
    declareCoordination(suite, "leases", leasePromises);
    declareCoordination(suite, "watches", watchPromises);
  });
}
