import { describe, expect, it } from "vitest";
import { linePlot } from "./line-plot.ts";

const panel = {
  title: "a < b",
  series: [
    {
      name: "one",
      points: [
        [10, 1],
        [100, 2],
        [1_000, 3.2],
      ],
    },
    { name: "two", points: [[10, 4]] },
  ],
} as const;

describe("linePlot", () => {
  const svg = linePlot("Title", [panel, panel]);

  it("draws every point of every series in every panel", () => {
    expect(svg.match(/<circle [^>]*r="2.4"/g)).toHaveLength(8);
    expect(svg.match(/<path /g)).toHaveLength(4);
  });

  it("spaces x by its logarithm", () => {
    const [first, second, third] = [...svg.matchAll(/<circle cx="([\d.]+)" cy="[\d.]+" r="2.4" fill="#0072b2"/g)].map(
      ([, x]) => Number(x),
    );
    expect(second! - first!).toBeCloseTo(third! - second!, 0);
  });

  it("marks y from nothing to above the highest, in round steps", () => {
    const marks = [...svg.matchAll(/text-anchor="end">([\d.]+)</g)].map(([, mark]) => Number(mark));
    expect(marks.slice(0, marks.length / 2)).toEqual([0, 1, 2, 3, 4]);
  });

  it("escapes what stands in it", () => {
    expect(svg).toContain("a &lt; b");
    expect(svg).not.toContain("a < b");
  });
});
