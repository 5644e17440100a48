import type { Random, RandomSource } from "../../runtime/index.ts";

export function chance(random: RandomSource, share: number): boolean {
  return random.next() < share;
}

/** @throws RangeError when there is nothing to pick */
export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.integer(0, from.length - 1)]!;
}

/** One of the words, each as likely as its weight says. */
export function pickWeighted<Word extends string>(random: RandomSource, weights: Readonly<Record<Word, number>>): Word {
  const words = Object.keys(weights) as Word[];
  let left = random.next() * words.reduce((sum, word) => sum + weights[word], 0);
  for (const word of words) {
    left -= weights[word];
    if (left < 0) return word;
  }
  return words.at(-1)!;
}
