import { describe, expect, it } from "vitest";
import type { LeaseId } from "../key-value/key-value.ts";
import { LeaseTable } from "./lease-table.ts";

/** What a tick removed, by the keys, which the tests give one each. */
function advance(table: LeaseTable, elapsedMs: number): string[] {
  return [...table.advance(elapsedMs)].flat();
}

function granted(ttls: readonly number[], maxLeases?: number): LeaseTable {
  const table = new LeaseTable(maxLeases);
  for (const [at, ttlSeconds] of ttls.entries()) {
    const id = BigInt(at + 1);
    table.grant(id, ttlSeconds);
    table.attach(id, `k${id}`);
  }
  return table;
}

describe("the clock of the leases", () => {
  it("lets a lease count from the tick after its grant, and run out at a tick", () => {
    const table = granted([2]);
    expect(advance(table, 10_000)).toEqual([]);
    expect(advance(table, 1999)).toEqual([]);
    expect(advance(table, 1)).toEqual(["k1"]);
    expect(table.size).toBe(0);
    expect(advance(table, 10_000)).toEqual([]);
  });

  it("lets a lease that is kept alive count from the next tick anew", () => {
    const table = granted([2]);
    advance(table, 0);
    advance(table, 1999);
    expect(table.keepAlive([1n, 9n, 1n])).toEqual([2, 0, 2]);
    expect(advance(table, 1000)).toEqual([]);
    expect(advance(table, 1999)).toEqual([]);
    expect(advance(table, 1)).toEqual(["k1"]);
    expect(table.keepAlive([1n])).toEqual([0]);
  });

  it("removes in the order of the deadlines, and of the grants where they are equal", () => {
    const table = granted([9, 3, 5, 3, 4]);
    advance(table, 0);
    table.keepAlive([3n]);
    advance(table, 1000);
    expect(table.list()).toEqual([2n, 4n, 5n, 3n, 1n]);
    expect(advance(table, 60_000)).toEqual(["k2", "k4", "k5", "k3", "k1"]);
  });

  it("gives each lease's keys in order, and by themselves", () => {
    const table = granted([1, 1]);
    for (const key of ["z", "a", "k10"]) table.attach(1n, key);
    table.detach(1n, "z");
    advance(table, 0);
    expect([...table.advance(1000)]).toEqual([["a", "k1", "k10"], ["k2"]]);
  });

  it("removes very many over several ticks; until then they may be kept alive", () => {
    const table = granted(Array.from({ length: 5000 }, () => 1));
    advance(table, 0);
    const first = advance(table, 1000);
    expect(first).toHaveLength(2048);
    expect(table.backlog).toBe(true);
    expect(table.keepAlive([5000n, 1n])).toEqual([1, 0]);
    expect(advance(table, 0)).toHaveLength(2048);
    expect(advance(table, 0)).toHaveLength(5000 - 2 * 2048 - 1);
    expect(table.backlog).toBe(false);
    expect(table.list()).toEqual([5000n]);
  });
});

describe("time to live", () => {
  it("is rounded down, and promises nothing that the clock may have missed", () => {
    const table = granted([60]);
    const left = (behindMs: number) => table.timeToLive({ id: 1n }, behindMs);
    expect(left(500)).toEqual({ id: 1n, ttlSeconds: 59, grantedTtlSeconds: 60, keys: [] });
    advance(table, 0);
    advance(table, 59_000);
    expect([left(0), left(1), left(5000)].map(({ ttlSeconds }) => ttlSeconds)).toEqual([1, 0, 0]);
    expect(table.timeToLive({ id: 2n, keys: true }, 500)).toEqual({
      id: 2n,
      ttlSeconds: -1,
      grantedTtlSeconds: 0,
      keys: [],
    });
  });

  it("tells the keys in order, as bytes", () => {
    const table = granted([60]);
    table.attach(1n, "b");
    table.attach(1n, "\xff");
    const { keys } = table.timeToLive({ id: 1n, keys: true }, 0);
    expect(keys).toEqual([Uint8Array.of(98), Uint8Array.of(107, 49), Uint8Array.of(255)]);
  });
});

describe("a capture", () => {
  it("does not show what comes after it, and restores a table that behaves the same", () => {
    const table = granted([3, 5, 3, 4]);
    advance(table, 0);
    advance(table, 700);
    table.keepAlive([1n]);
    table.grant(9n, 2);
    table.attach(9n, "k9");
    const capture = table.capture();
    const copy = new LeaseTable();
    copy.grant(77n, 1);
    copy.restore(capture);
    for (const id of [1n, 2n, 3n, 4n, 9n]) copy.attach(id, `k${id}`);
    const run = (one: LeaseTable): string[][] => Array.from({ length: 12 }, () => advance(one, 500));
    const ran = run(table);
    expect(ran.flat()).toEqual(["k3", "k9", "k4", "k1", "k2"]);
    expect(run(copy)).toEqual(ran);
    expect(capture.leases.map(({ id, deadlineMs }) => [id, deadlineMs])).toEqual([
      [1n, undefined],
      [2n, 5000],
      [3n, 3000],
      [4n, 4000],
      [9n, undefined],
    ]);
  });
});

it("keeps 20 000 leases alive, replaces them, and lets them go", () => {
  const count = 20_000;
  const table = granted(Array.from({ length: count }, (_, at) => 5 + (at % 7)));
  const alive: LeaseId[] = Array.from({ length: count }, (_, at) => BigInt(at + 1));
  let next = BigInt(count + 1);
  advance(table, 0);
  // Each second everybody renews, and a thousand are revoked and granted anew.
  for (let second = 0; second < 20; second++) {
    expect(table.keepAlive(alive).includes(0)).toBe(false);
    for (let change = 0; change < 1000; change++, next++) {
      table.revoke(alive[change]!);
      table.grant(next, 5);
      table.attach(next, `k${next}`);
      alive[change] = next;
    }
    alive.reverse();
    for (const half of [500, 500]) expect(advance(table, half)).toEqual([]);
  }
  expect(table.size).toBe(count);
  const gone: string[] = [];
  for (let tick = 0; tick < 40; tick++) gone.push(...advance(table, 500));
  expect(new Set(gone).size).toBe(count);
  expect(table.size).toBe(0);
});
