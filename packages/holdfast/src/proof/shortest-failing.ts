import { checkInteger, checkOptionNames } from "../errors/base.ts";

export interface ShortestFailingOptions {
  /** How many parts are tried at the most. Default 60. */
  readonly maxRuns?: number;
}

export const defaultShortestFailingOptions: Required<ShortestFailingOptions> = { maxRuns: 60 };

export interface ShortestFailing<Item> {
  /** What is left of the items, in their order. */
  readonly items: readonly Item[];
  /** How many parts were tried. */
  readonly runs: number;
  /** Whether every part with one item less was tried, and did not fail. */
  readonly isMinimal: boolean;
}

/**
 * Leaves out items as long as what is left still fails: halves first, then smaller and smaller pieces (Zeller and
 * Hildebrandt, "Simplifying and isolating failure-inducing input", 2002: the complements of ddmin).
 *
 * @param fails whether a part fails in the same way as the whole; never asked for the whole
 * @throws InvalidArgumentError on options that break their rules, and what `fails` throws
 * @example
 * const { items } = await shortestFailing([1, 2, 3, 4], (part) => part.includes(3)); // [3]
 */
export async function shortestFailing<Item>(
  all: readonly Item[],
  fails: (part: readonly Item[]) => boolean | Promise<boolean>,
  options: ShortestFailingOptions = {},
): Promise<ShortestFailing<Item>> {
  checkOptionNames("shortestFailing", options, Object.keys(defaultShortestFailingOptions));
  const { maxRuns } = { ...defaultShortestFailingOptions, ...options };
  checkInteger("shortestFailing.maxRuns", maxRuns, 0);
  let items = all;
  let pieces = 2;
  let runs = 0;
  while (items.length > 0) {
    const size = Math.ceil(items.length / pieces);
    let shorter: readonly Item[] | undefined;
    for (let start = 0; start < items.length && shorter === undefined; start += size) {
      if (runs === maxRuns) return { items, runs, isMinimal: false };
      const rest = [...items.slice(0, start), ...items.slice(start + size)];
      runs++;
      if (await fails(rest)) shorter = rest;
    }
    if (shorter !== undefined) {
      items = shorter;
      pieces = Math.max(pieces - 1, 2);
    } else if (size === 1) break;
    else pieces = Math.min(pieces * 2, items.length);
  }
  return { items, runs, isMinimal: true };
}
