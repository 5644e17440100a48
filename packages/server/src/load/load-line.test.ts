import { describe, expect, it } from "vitest";
import { readRate, readValueBytes } from "./load-line.ts";

describe("rates on the line", () => {
  it.each<[string, ReturnType<typeof readRate>]>([
    ["1000", 1_000],
    ["0.5", 0.5],
    ["100..2000", [{ fromPerSecond: 100, toPerSecond: 2_000, forMs: 9_000 }]],
    ["2000..0", [{ fromPerSecond: 2_000, toPerSecond: 0, forMs: 9_000 }]],
    [
      "100, 100..500, 0",
      [
        { ratePerSecond: 100, forMs: 3_000 },
        { fromPerSecond: 100, toPerSecond: 500, forMs: 3_000 },
        { ratePerSecond: 0, forMs: 3_000 },
      ],
    ],
    ["0", undefined],
    ["-5", undefined],
    ["fast", undefined],
    ["100,", undefined],
    ["1000001", undefined],
    ["1...5", undefined],
  ])("%s", (text, rate) => {
    expect(readRate(text, 9_000)).toEqual(rate);
  });
});

describe("sizes on the line", () => {
  it.each<[string, ReturnType<typeof readValueBytes>]>([
    ["0", { type: "constant", bytes: 0 }],
    ["1048576", { type: "constant", bytes: 1_048_576 }],
    ["10..20", { type: "uniform", minBytes: 10, maxBytes: 20 }],
    ["20..10", undefined],
    ["1048577", undefined],
    ["1k", undefined],
  ])("%s", (text, size) => {
    expect(readValueBytes(text)).toEqual(size);
  });
});
