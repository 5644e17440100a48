import { VirtualClock } from "holdfast/testing";
import { expect, it } from "vitest";
import { warnOfForeignKeys } from "./key-warning.ts";

it.each([
  ["forged", "gossip is dropped: it is sealed with a key that this node's keyring does not hold, or is damaged"],
  ["plain", "gossip is dropped: it comes unsealed, from a node without --gossip-keyring"],
  ["sealed", "gossip is dropped: it comes sealed, and this node has no --gossip-keyring"],
] as const)("says soon that packets are dropped as %s, and repeats it once a minute", async (reason, line) => {
  const clock = new VirtualClock();
  const dropped = { forged: 1, plain: 1, sealed: 1 };
  const said: string[] = [];
  const stop = warnOfForeignKeys({ clock, dropped: () => ({ ...dropped }), say: (text) => said.push(text) });
  await clock.advance(60_000);
  expect(said).toEqual([]);
  for (let second = 0; second < 59; second++) {
    dropped[reason]++;
    await clock.advance(1_000);
  }
  expect(said).toEqual([line]);
  await clock.advance(3_000);
  expect(said).toEqual([line, line]);
  await clock.advance(600_000);
  expect(said).toHaveLength(2);
  stop();
  expect(clock.pending).toBe(0);
});
