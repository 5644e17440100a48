import { describe, expect, it } from "vitest";
import { clip, formatCount, formatDuration, renderClusterView, type ClusterViewState } from "./cluster-view.ts";

const plain = (_: string, text: string): string => text;
const frame = { columns: 80, rows: 24, style: plain };

const state: ClusterViewState = {
  members: [
    {
      name: "n1",
      state: "alive",
      stateMs: 192_000,
      pid: 41_231,
      client: "127.0.0.1:2379",
      word: { role: "follower", term: 4, commitIndex: 1042, appliedIndex: 1042 },
    },
    {
      name: "n2",
      state: "alive",
      stateMs: 192_000,
      pid: 41_232,
      client: "127.0.0.1:2389",
      word: { role: "leader", term: 4, commitIndex: 1042, appliedIndex: 1042 },
    },
    { name: "n3", state: "restarting", stateMs: 0, pid: undefined, client: "127.0.0.1:2399", word: undefined },
  ],
  leader: { name: "n2", term: 4 },
  writesPerSecond: 1240.4,
  upMs: 192_000,
  events: [{ at: "12:03:11", text: "n3 killed by SIGKILL; restarting in 100 ms", grave: true }],
  directory: ".holdfast",
  clientUrl: "http://127.0.0.1:2379",
  suggestions: ["npx holdfast put greeting hello", "npx holdfast status"],
  phase: "running",
};

describe("renderClusterView", () => {
  it("shows who leads, who is down and what to try", () => {
    expect(renderClusterView(state, frame)).toEqual([
      "holdfast  ▲ degraded, 2/3 answer · n2 leads term 4 · 1 240 writes/s · up 3m12s",
      "",
      "NAME  ROLE           PID  CLIENT          TERM  COMMIT  APPLIED  STATE",
      "n1    ● follower   41231  127.0.0.1:2379     4    1042     1042  alive 3m12s",
      "n2    ★ leader     41232  127.0.0.1:2389     4    1042     1042  alive 3m12s",
      "n3    ✕ down           -  127.0.0.1:2399     -       -        -  restarting 0s",
      "",
      "12:03:11  n3 killed by SIGKILL; restarting in 100 ms",
      "",
      "Clients  http://127.0.0.1:2379   data in .holdfast",
      "Try      npx holdfast put greeting hello",
      "         npx holdfast status",
      "",
      "Ctrl-C stops the cluster.",
    ]);
  });

  it("says that there is no service without a leader or a majority", () => {
    const summary = (changes: Partial<ClusterViewState>): string | undefined =>
      renderClusterView({ ...state, ...changes }, { ...frame, columns: 200 })[0];
    expect(summary({ leader: undefined })).toContain("✕ no service, 2/3 answer · no leader");
    const silent = state.members.map((member) => ({ ...member, word: undefined }));
    expect(summary({ members: silent })).toContain("✕ no service, 0/3 answer");
  });

  it("tells a process that runs and does not answer from one that is gone", () => {
    const [first, ...rest] = state.members;
    const members = [{ ...first, word: undefined } as (typeof state.members)[number], ...rest];
    expect(renderClusterView({ ...state, members }, frame)[3]).toContain("? silent");
  });

  it("never exceeds the frame, and gives up old events first", () => {
    const events = Array.from({ length: 9 }, (_, index) => ({ at: "12:00:00", text: `event ${index}`, grave: false }));
    for (let rows = 2; rows < 30; rows++) {
      const lines = renderClusterView({ ...state, events }, { ...frame, columns: 40, rows });
      expect(lines.length).toBeLessThan(rows);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
    }
    const roomy = renderClusterView({ ...state, events }, frame).join("\n");
    expect(roomy).toContain("event 8");
    expect(roomy).not.toContain("event 2");
  });

  it("draws the same width whatever the role", () => {
    const widths = (["leader", "follower", "candidate"] as const).map((role) => {
      const members = state.members.map((member) =>
        member.word === undefined ? member : { ...member, word: { ...member.word, role } },
      );
      return renderClusterView({ ...state, members }, frame)[3]?.indexOf("127.0.0.1");
    });
    expect(new Set(widths).size).toBe(1);
  });
});

it.each([
  [0, "0s"],
  [59_999, "59s"],
  [60_000, "1m00s"],
  [3_725_000, "1h02m"],
  [90_000_000, "1d01h"],
])("%d ms is %s", (durationMs, expected) => {
  expect(formatDuration(durationMs)).toBe(expected);
});

it.each([
  [0, "0"],
  [999.6, "1 000"],
  [1_234_567, "1 234 567"],
])("%d is written %s", (value, expected) => {
  expect(formatCount(value)).toBe(expected);
});

it.each([
  ["short", 10, "short"],
  ["exactly ten", 11, "exactly ten"],
  ["longer than that", 6, "longe…"],
  ["\u001B[1mbold\u001B[22m", 4, "\u001B[1mbold\u001B[22m"],
  ["\u001B[1mbolder\u001B[22m", 4, "\u001B[1mbol…\u001B[0m"],
])("%j in %d columns", (line, columns, expected) => {
  expect(clip(line, columns)).toBe(expected);
});
