import { describe, expect, it } from "vitest";
import { longestSilence, median, serviceGap } from "./service-gap.ts";

const ack = (atMs: number, term: number): { atMs: number; term: number } => ({ atMs, term });

describe("serviceGap", () => {
  const fault = { atMs: 100, term: 3 };

  it.each([
    ["the first acknowledgement of a newer term ends it", [ack(90, 3), ack(850, 4), ack(860, 4)], 750],
    ["one of the old term that was on its way does not", [ack(99, 3), ack(101, 3), ack(700, 4)], 600],
    ["there is none while nothing newer is acknowledged", [ack(99, 3), ack(105, 3)], undefined],
    ["a skipped term counts", [ack(400, 9)], 300],
    ["nothing at all is no service", [], undefined],
  ])("%s", (_, acknowledgements, expected) => {
    expect(serviceGap(acknowledgements, fault)).toBe(expected);
  });
});

it.each([
  [[], undefined],
  [[ack(5, 1)], undefined],
  [[ack(0, 1), ack(3, 1), ack(10, 2), ack(12, 2)], 7],
])("the longest silence of %j is %s", (acknowledgements, expected) => {
  expect(longestSilence(acknowledgements)).toBe(expected);
});

it.each([
  [[], undefined],
  [[4], 4],
  [[9, 1, 5], 5],
  [[8, 2, 4, 6], 5],
])("the median of %j is %s", (values, expected) => {
  expect(median(values)).toBe(expected);
});
