import { expect, it } from "vitest";
import type { PeerTransport } from "../../consensus/index.ts";
import { refuseRemoved } from "./removed-peers.ts";

type Told = readonly [peers: readonly number[], removed: readonly number[]];

it("adds those that the state knows of to those the node knows of, and tells when there are more", () => {
  const told: Told[] = [];
  const transport: PeerTransport = {
    start: () => Promise.resolve(),
    send: () => undefined,
    setPeers: (peers, removed) => void told.push([[...peers.keys()], [...removed].toSorted((a, b) => a - b)]),
    close: () => Promise.resolve(),
  };
  const removed = new Set<bigint>([4n]);
  const refusing = refuseRemoved(transport, () => removed);
  // Nobody has said yet who takes part.
  refusing.refresh();
  expect(told).toEqual([]);
  const peers = new Map([
    [1, "a:1"],
    [5, "e:1"],
  ]);
  refusing.setPeers(peers, new Set([3]));
  refusing.refresh();
  expect(told).toEqual([
    [
      [1, 5],
      [3, 4],
    ],
  ]);
  // After a restart the configuration may be one in which somebody who was removed still is: that one is let in.
  removed.add(5n).add(6n);
  refusing.refresh();
  expect(told.slice(1)).toEqual([
    [
      [1, 5],
      [3, 4, 6],
    ],
  ]);
  refusing.setPeers(new Map([[1, "a:1"]]), new Set());
  expect(told.slice(2)).toEqual([[[1], [4, 5, 6]]]);
});
