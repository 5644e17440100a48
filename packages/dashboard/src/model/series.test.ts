import { describe, expect, it } from "vitest";
import { maxPoints, maxSeries, SeriesBook } from "./series.ts";

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

  it("forgets the oldest points, and all of them when time goes back", () => {
    const book = new SeriesBook();
    for (let second = 0; second < maxPoints + 40; second++) book.add("a", second * 1_000, [second]);
    const times = book.get("a")?.columns[0];
    expect(times).toHaveLength(maxPoints);
    expect(times?.[0]).toBe(40);
    book.add("a", 5_000, [1]);
    expect(book.get("a")?.columns).toEqual([[5], [1]]);
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
