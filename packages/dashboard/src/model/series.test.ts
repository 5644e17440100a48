import { describe, expect, it } from "vitest";
import { maxOlderPoints, maxPoints, maxSeries, olderStepS, SeriesBook } from "./series.ts";

describe("a series", () => {
  it("has a point a second, the latest of each", () => {
    const book = new SeriesBook();
    for (const [atMs, value] of [
      [1_000, 1],
      [1_900, 2],
      [2_000, 3],
      [4_500, null],
    ] as const)
      book.add("a", atMs, [value]);
    expect(book.get("a")?.columns).toEqual([
      [1.9, 2, 4.5],
      [2, 3, null],
    ]);
  });

  it("keeps the latest points, of older ones the greatest of each quarter of a minute, and of those two hours", () => {
    const book = new SeriesBook();
    const seconds = 4 * 3_600;
    // A peak of one second, an hour before the end.
    const peakAt = seconds - 3_600;
    for (let second = 0; second <= seconds; second++) {
      book.add("a", second * 1_000, [second === peakAt ? 1_000_000 : second % 7, null]);
    }
    const [times = [], values = [], nothing = []] = book.get("a")?.columns ?? [];
    expect(times.length).toBeLessThanOrEqual(maxPoints + 60 + maxOlderPoints);
    expect(times.slice(-maxPoints)).toEqual(Array.from({ length: maxPoints }, (_, at) => seconds - maxPoints + 1 + at));
    expect(times).toEqual(times.toSorted((a, b) => (a ?? 0) - (b ?? 0)));
    expect(times[0]).toBeGreaterThan(seconds - maxPoints - 60 - (maxOlderPoints + 1) * olderStepS);
    expect(times[0]).toBeLessThan(seconds - 7_000);
    expect(values.filter((value) => value === 1_000_000)).toHaveLength(1);
    expect(values).toHaveLength(times.length);
    expect(new Set(nothing)).toEqual(new Set([null]));
  });

  it("forgets everything when time goes back; a copy stays as it was", () => {
    const book = new SeriesBook();
    for (let second = 0; second < 3; second++) book.add("a", second * 1_000, [second]);
    const copy = book.copy();
    book.add("a", 500, [1]);
    expect(book.get("a")?.columns).toEqual([[0.5], [1]]);
    expect(copy.get("a")?.columns).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
  });

  it("gives way when there are too many and it is not fed", () => {
    const book = new SeriesBook();
    for (let name = 0; name < maxSeries; name++) book.add(String(name), 1, [1]);
    book.add("0", 2_000, [2]);
    book.add("new", 2_000, [1]);
    expect(book.size).toBe(maxSeries);
    expect(book.get("1")).toBeUndefined();
    expect(book.get("0")).toBeDefined();
  });
});
