import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { ProbeOrder } from "./probe-order.ts";

class Item {
  position = -1;
  readonly name: number;
  constructor(name: number) {
    this.name = name;
  }
}

const all = (): boolean => true;

function orderOf(size: number, seed = 1): { order: ProbeOrder<Item>; items: Item[] } {
  const order = new ProbeOrder<Item>(seededRandom(seed));
  const items = Array.from({ length: size }, (_, name) => new Item(name));
  for (const item of items) order.add(item);
  return { order, items };
}

function round(order: ProbeOrder<Item>): number[] {
  return Array.from({ length: order.size }, () => order.next(all)!.name);
}

describe("the order of probes", () => {
  it("comes to everyone once a round, in another order every round", () => {
    const { order } = orderOf(20);
    const rounds = Array.from({ length: 5 }, () => round(order));
    for (const one of rounds) expect(one.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at));
    expect(new Set(rounds.map(String)).size).toBe(5);
  });

  it("leaves nobody out of a round when others are removed", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { order, items } = orderOf(10, seed);
      const seen = new Set(Array.from({ length: 4 }, () => order.next(all)!.name));
      order.remove(items[seed % 10]!);
      order.remove(items[(seed + 3) % 10]!);
      while (seen.size < 8 + [seed % 10, (seed + 3) % 10].filter((name) => seen.has(name)).length) {
        const before = seen.size;
        seen.add(order.next(all)!.name);
        expect(seen.size).toBe(before + 1);
      }
    }
  });

  it("comes to a newcomer within two rounds, wherever the round is", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { order } = orderOf(10, seed);
      for (let at = 0; at < seed % 10; at++) order.next(all);
      const newcomer = new Item(99);
      order.add(newcomer);
      const probed = Array.from({ length: 22 }, () => order.next(all));
      expect(probed).toContain(newcomer);
    }
  });

  it("passes over those that do not suit, and ends when none does", () => {
    const { order } = orderOf(10);
    expect(order.next(({ name }) => name === 7)?.name).toBe(7);
    expect(order.next(() => false)).toBeUndefined();
    expect(new ProbeOrder<Item>(seededRandom(1)).next(all)).toBeUndefined();
  });

  it.each([3, 10, 100])("samples different ones evenly out of %i", (size) => {
    const { order } = orderOf(size);
    const hits = Array.from({ length: size }, () => 0);
    const draws = 300 * size;
    for (let at = 0; at < draws; at++) {
      const sample = order.sample(2, ({ name }) => name !== 0);
      expect(new Set(sample).size).toBe(2);
      for (const { name } of sample) hits[name]!++;
    }
    expect(hits[0]).toBe(0);
    for (const count of hits.slice(1)) expect(count / ((2 * draws) / (size - 1))).toBeCloseTo(1, 0);
  });

  it("samples all that suit when there are fewer than wanted", () => {
    const { order } = orderOf(100);
    const few = order.sample(5, ({ name }) => name > 96).map(({ name }) => name);
    expect(few.toSorted((a, b) => a - b)).toEqual([97, 98, 99]);
  });
});
