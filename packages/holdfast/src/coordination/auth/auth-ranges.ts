import type { KeyRange } from "../key-value/key-range.ts";

/** Keys from `from` up to but without `to`; all the rest without `to`. */
type Span = Pick<KeyRange, "from" | "to">;

/** A set of keys, made of ranges that may overlap. */
export class KeyCover {
  /** Apart from each other, in ascending order. */
  readonly #spans: Span[] = [];

  constructor(spans: readonly Span[]) {
    const ordered = spans.filter(({ from, to }) => to === undefined || from < to);
    ordered.sort((left, right) => (left.from < right.from ? -1 : left.from > right.from ? 1 : 0));
    for (const span of ordered) this.#add(span);
  }

  /** Whether every key of the span is in the set. */
  covers({ from, to }: Span): boolean {
    const span = this.#lastFrom(from);
    if (span === undefined) return false;
    return span.to === undefined || (to !== undefined && to <= span.to && from < span.to);
  }

  #add(span: Span): void {
    const last = this.#spans.at(-1);
    if (last === undefined || (last.to !== undefined && last.to < span.from)) {
      this.#spans.push(span);
    } else if (last.to !== undefined && (span.to === undefined || span.to > last.to)) {
      this.#spans[this.#spans.length - 1] = { from: last.from, to: span.to };
    }
  }

  /** The last span that begins at or before the key. */
  #lastFrom(key: string): Span | undefined {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#spans[middle]!.from <= key) low = middle + 1;
      else high = middle;
    }
    return this.#spans[low - 1];
  }
}
