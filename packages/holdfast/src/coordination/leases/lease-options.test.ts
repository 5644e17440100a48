import { expect, it } from "vitest";
import { InvalidArgumentError } from "../../errors/base.ts";
import { checkLeaseOptions, defaultLeaseOptions } from "./lease-options.ts";

it.each<[given: object, message: string]>([
  [{ tickMs: 99 }, "leases.tickMs must be an integer >= 100 (got 99)"],
  [{ minTtlSeconds: 0 }, "leases.minTtlSeconds must be an integer >= 1 and <= 9000000000 (got 0)"],
  [{ maxLeases: 0.5 }, "leases.maxLeases must be an integer >= 1 (got 0.5)"],
  [{ max: 5 }, "leases.max is no option; there are tickMs, minTtlSeconds, maxLeases (got 5)"],
])("refuses %o", (given, message) => {
  expect(() => checkLeaseOptions(given)).toThrow(InvalidArgumentError);
  expect(() => checkLeaseOptions(given)).toThrow(message);
});

it("derives the least time to live from the election timeout, as etcd does", () => {
  expect(checkLeaseOptions(undefined)).toEqual(defaultLeaseOptions);
  const least = [500, 1000, 1334, 5000].map((timeoutMs) => checkLeaseOptions({}, timeoutMs).minTtlSeconds);
  expect(least).toEqual([2, 2, 3, 8]);
  expect(checkLeaseOptions({ minTtlSeconds: 1 }, 5000).minTtlSeconds).toBe(1);
});
