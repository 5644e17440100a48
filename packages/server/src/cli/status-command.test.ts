import { expect, it } from "vitest";
import type { ClusterReport, MemberReport } from "../client/cluster-status.ts";
import { leaderOf } from "../client/cluster-status.ts";
import { renderStatus } from "./status-command.ts";

const plain = (_: string, text: string): string => text;

function member(name: string, role: MemberReport["role"], term: number | null = 3): MemberReport {
  const alive = role !== null;
  const index = alive ? 12 : null;
  const urls = { clientUrl: `http://${name}:2379`, httpUrl: null };
  return { name, ...urls, alive, role, term: alive ? term : null, commitIndex: index, appliedIndex: index };
}

it.each<[string, ClusterReport, string]>([
  [
    "all alive",
    { leader: "a", members: [member("a", "leader"), member("b", "follower"), member("c", "follower")] },
    "✓ healthy: 3 of 3 members alive, a leads",
  ],
  [
    "one dead",
    { leader: "a", members: [member("a", "leader"), member("b", "follower"), member("c", null)] },
    "▲ degraded: 2 of 3 members alive, a leads",
  ],
  [
    "no leader",
    { leader: null, members: [member("a", "candidate"), member("b", "follower"), member("c", "follower")] },
    "✕ no service: 3 of 3 members alive, nobody leads",
  ],
  [
    "a leader without a majority",
    { leader: "a", members: [member("a", "leader"), member("b", null), member("c", null)] },
    "✕ no service: 1 of 3 members alive, a leads",
  ],
  [
    "an alarm",
    { leader: "a", members: [member("a", "leader")], alarms: ["NOSPACE"] },
    "▲ degraded: 1 of 1 members alive, a leads",
  ],
])("%s", (_, report, headline) => {
  expect(renderStatus(report, plain)[0]).toBe(headline);
});

it("says what an alarm does, and how it ends", () => {
  const lines = renderStatus({ leader: "a", members: [member("a", "leader")], alarms: ["NOSPACE"] }, plain);
  expect(lines[1]).toMatch(/^alarm NOSPACE: puts and leases are refused; .*holdfast alarm disarm$/);
});

it("shows a dead member as dead, without numbers", () => {
  const lines = renderStatus({ leader: "a", members: [member("a", "leader"), member("b", null)] }, plain);
  expect(lines.slice(2)).toEqual([
    "NAME  ROLE      CLIENT         TERM  COMMIT  APPLIED",
    "a     ★ leader  http://a:2379     3      12       12",
    "b     ✕ dead    http://b:2379     -       -        -",
  ]);
});

it("believes the leader of the newest term", () => {
  expect(leaderOf([member("a", "leader", 3), member("b", "leader", 4)])).toBe("b");
  expect(leaderOf([member("a", "follower"), member("b", null)])).toBeNull();
});
