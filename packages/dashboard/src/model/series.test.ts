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

  it("is filled where it has nothing, and with nothing twice", () => {
    const book = new SeriesBook();
    const was = Array.from({ length: 21 }, (_, at) => at * 5_000);
    // Live from the minute on, and cut off for half a minute of it.
    for (let second = 60; second <= 100; second++) if (second < 64 || second > 94) book.add("a", second * 1_000, [1]);
    const history = was.map((atMs) => (atMs === 20_000 ? null : 2));
    book.fill("a", was, [history]);
    const [times = [], values = []] = book.get("a")?.columns ?? [];
    const before = [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55];
    expect(times).toEqual([...before, 60, 61, 62, 63, 65, 70, 75, 80, 85, 90, 95, 96, 97, 98, 99, 100]);
    expect(values[4]).toBeNull();
    expect(values.filter((value) => value === 2)).toHaveLength(before.length - 1 + 6);
    const whole = structuredClone([times, values]);
    book.fill("a", was, [history.map(() => 9)]);
    expect(book.get("a")?.columns).toEqual(whole);
    book.add("a", 100_700, [3]);
    expect(book.get("a")?.columns[0]?.slice(-2)).toEqual([99, 100.7]);
  });

  it("that is filled with two hours grows no longer than one that was there, and goes on", () => {
    const book = new SeriesBook();
    const was = Array.from({ length: 1_440 }, (_, at) => at * 5_000);
    book.fill("a", was, [was.map((atMs) => (atMs === 3_605_000 ? 100 : 1))]);
    const [times = [], values = []] = book.get("a")?.columns ?? [];
    expect(times).toHaveLength(440 + 121);
    expect(times.slice(-121)).toEqual(was.slice(-121).map((atMs) => atMs / 1_000));
    expect(times.slice(0, 3)).toEqual([0, 15, 30]);
    expect(values[times.indexOf(3_600)]).toBe(100);
    for (let second = 7_200; second < 20_000; second++) {
      book.add("a", second * 1_000, [1]);
      expect(book.get("a")!.columns[0]!.length).toBeLessThanOrEqual(maxPoints + 60 + maxOlderPoints);
    }
    const [later = []] = book.get("a")?.columns ?? [];
    expect(later).toEqual(later.toSorted((a, b) => (a ?? 0) - (b ?? 0)));
    expect(new Set(later).size).toBe(later.length);
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
