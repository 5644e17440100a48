import { describe, expect, it } from "vitest";
import { autoCompaction, compactionLine } from "./compaction-options.ts";

const values = (retention?: string, mode: "periodic" | "revision" = "periodic") => ({
  autoCompactionMode: mode,
  autoCompactionRetention: retention,
});

describe("a node's compaction", () => {
  it.each([
    ["1", 3_600_000],
    ["24", 86_400_000],
    ["1h", 3_600_000],
    ["30m", 1_800_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["90s", 90_000],
    ["1500ms", 1_500],
    ["1m1000ms", 61_000],
  ])("keeps %s, as etcd reads it", (given, retentionMs) => {
    expect(autoCompaction(values(given))).toEqual({ mode: "periodic", retentionMs });
    expect(compactionLine(values(given))).toEqual([
      "--auto-compaction-mode=periodic",
      `--auto-compaction-retention=${given}`,
    ]);
  });

  it("keeps so many revisions", () => {
    expect(autoCompaction(values("1000", "revision"))).toEqual({ mode: "revision", retention: 1_000 });
  });

  it("is off without a retention, and with 0", () => {
    for (const given of [values(), values("0"), values("0", "revision")]) {
      expect(autoCompaction(given)).toBeUndefined();
      expect(compactionLine(given)).toEqual([]);
    }
  });

  it.each([
    [values("an hour"), 'must be a time like 30m or 1h, or hours (got "an hour")'],
    [values("1d"), "must be a time"],
    [values("-1h"), "must be a time"],
    [values("h"), "must be a time"],
    [values("1h1"), "must be a time"],
    [values("10ms"), 'must be 1s or more (got "10ms")'],
    [values("99999999999999"), "must be 1s or more"],
    [values("1h", "revision"), 'must be a number of revisions, as --auto-compaction-mode is revision (got "1h")'],
    [values("-5", "revision"), "must be a number of revisions"],
    [values(undefined, "revision"), "--auto-compaction-mode revision needs --auto-compaction-retention N"],
  ])("refuses %j", (given, message) => {
    expect(() => autoCompaction(given)).toThrow(message);
    expect(() => compactionLine(given)).toThrow(message);
  });
});
