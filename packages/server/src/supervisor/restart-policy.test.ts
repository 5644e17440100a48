import { expect, it } from "vitest";
import { restartPolicy } from "./restart-policy.ts";

it("waits twice as long after each short life, then gives up", () => {
  const policy = restartPolicy();
  expect([0, 0, 0, 0, 0, 0].map((ranMs) => policy.afterDeath(ranMs))).toEqual([100, 200, 400, 800, 1600, undefined]);
});

it("starts afresh after a steady life", () => {
  const policy = restartPolicy();
  for (let death = 0; death < 20; death++) expect(policy.afterDeath(60_000)).toBe(100);
  expect(policy.afterDeath(10)).toBe(200);
});
