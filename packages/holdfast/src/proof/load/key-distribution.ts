import { checkNumber, checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { Random } from "../../runtime/index.ts";
import { permutation } from "./permutation.ts";
import { Zipf } from "./zipf.ts";

/**
 * Which of the records is asked for.
 *
 * - `uniform`: each as often as any other
 * - `zipfian`: a few are asked for most of the time; which ones is scattered over all. `exponent` > 0, default 0.99
 * - `latest`: zipfian, and the newest record comes first
 * - `hotspot`: the share `hotCalls` of calls goes to the share `hotKeys` of records. Default 0.8 to 0.2
 * - `sequential`: one after the other, again and again
 */
export type KeyDistribution =
  | { readonly type: "uniform" }
  | { readonly type: "zipfian"; readonly exponent?: number }
  | { readonly type: "latest"; readonly exponent?: number }
  | { readonly type: "hotspot"; readonly hotKeys?: number; readonly hotCalls?: number }
  | { readonly type: "sequential" };

export const keyDistributions: readonly KeyDistribution["type"][] = [
  "uniform",
  "zipfian",
  "latest",
  "hotspot",
  "sequential",
];

/** The exponent of YCSB (B. Cooper et al., "Benchmarking cloud serving systems with YCSB", SoCC 2010, section 4). */
const defaultExponent = 0.99;

/** With most of the capacity free and all calls for one record, a draw that hits may never come. */
const maxRedraws = 100;

export interface KeyChooser {
  /** A record's number, from 0; `count` is how many there are now, at least 1, and may have grown since the last call. */
  next(count: number): number;
}

export interface KeyChooserOptions {
  readonly random: Random;
  /**
   * How many records there may be in the end: popular ones are scattered over so many, and stay where they are while
   * records are added. More than this are never asked for by `zipfian`. At most 2^30.
   */
  readonly capacity: number;
}

/** @throws InvalidArgumentError */
export function keyChooser(distribution: KeyDistribution, { random, capacity }: KeyChooserOptions): KeyChooser {
  checkKeyDistribution(distribution);
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > 2 ** 30) {
    throw new InvalidArgumentError("keyChooser.capacity", "must be an integer >= 1 and <= 1073741824", capacity);
  }
  const own = random.fork("keys");
  switch (distribution.type) {
    case "uniform":
      return { next: (count) => own.integer(0, count - 1) };
    case "sequential": {
      let next = 0;
      return { next: (count) => next++ % count };
    }
    case "latest": {
      const zipf = new Zipf(distribution.exponent ?? defaultExponent, own);
      return { next: (count) => count - 1 - zipf.next(count) };
    }
    case "zipfian":
      return scattered(new Zipf(distribution.exponent ?? defaultExponent, own), own, capacity);
    default:
      return hotspot(distribution.hotKeys ?? 0.2, distribution.hotCalls ?? 0.8, own);
  }
}

function scattered(zipf: Zipf, random: Random, capacity: number): KeyChooser {
  const place = permutation(capacity, random.integer(0, 2 ** 32 - 1));
  return {
    next(count) {
      // Of those that are there: while not all are, a draw may hit one that is not.
      let key = place(zipf.next(capacity));
      for (let redraws = 0; key >= count && redraws < maxRedraws; redraws++) key = place(zipf.next(capacity));
      return key % count;
    },
  };
}

function hotspot(hotKeys: number, hotCalls: number, random: Random): KeyChooser {
  return {
    next(count) {
      const hot = Math.max(1, Math.round(count * hotKeys));
      if (hot >= count || random.next() < hotCalls) return random.integer(0, Math.min(hot, count) - 1);
      return random.integer(hot, count - 1);
    },
  };
}

/** @throws InvalidArgumentError naming what breaks its rule */
function checkKeyDistribution(distribution: KeyDistribution): void {
  const name = "keyDistribution";
  checkOneOf(`${name}.type`, (distribution as KeyDistribution | undefined)?.type, keyDistributions);
  const parameters = { zipfian: ["exponent"], latest: ["exponent"], hotspot: ["hotKeys", "hotCalls"] };
  const own = parameters[distribution.type as keyof typeof parameters] ?? [];
  checkOptionNames(name, distribution, ["type", ...own]);
  if ("exponent" in distribution) checkNumber(`${name}.exponent`, distribution.exponent, 0.01, 10);
  if ("hotKeys" in distribution) checkNumber(`${name}.hotKeys`, distribution.hotKeys, 0, 1);
  if ("hotCalls" in distribution) checkNumber(`${name}.hotCalls`, distribution.hotCalls, 0, 1);
}
