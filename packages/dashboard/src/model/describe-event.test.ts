import type { TelemetryEvent } from "holdfast/telemetry";
import { expect, it } from "vitest";
import { describeEvent } from "./describe-event.ts";

it.each([
  [{ type: "leaderChanged", leader: "n2", term: 4 }, "follows n2, term 4", "good"],
  [{ type: "leaderChanged", leader: null, term: 4 }, "knows no leader, term 4", "bad"],
  [
    { type: "breakerOpened", policy: "pay", reason: "failures", openMs: 30_000 },
    "pay opened (failures) for 30.0 s",
    "bad",
  ],
  [{ type: "request", method: "/a", code: 14, durationMs: 3, error: "gone" }, "/a code 14 in 3.0 ms: gone", "warn"],
  [{ type: "drillPhaseBegan", drill: "cut", phase: "settle" }, "cut: settle", "plain"],
  [
    { type: "drillEnded", drill: "cut", verdict: "passed", reason: "", durationMs: 2_000 },
    "cut passed after 2.0 s",
    "good",
  ],
  [
    { type: "drillEnded", drill: "cut", verdict: "failed", reason: "lost", durationMs: 2_000 },
    "cut failed after 2.0 s: lost",
    "bad",
  ],
  [
    { type: "healingEnded", text: "restart n2", outcome: "done", reason: null, tookMs: 38.087249 },
    "restart n2: done after 38 ms",
    "plain",
  ],
  [
    { type: "stepFailed", plan: "p", step: "s", attempt: 2, error: { message: "no" } },
    "p: s failed (try 2): no",
    "bad",
  ],
  [
    { type: "historyCompacted", compactedRevision: 900, revision: 1_900 },
    "forgot the history before revision 900, at 1900",
    "plain",
  ],
  [
    { type: "certificateExpiring", certificate: "peer", validUntil: 1_800_000_000_000, daysLeft: 7 },
    "its certificate peer is valid for 7 more days: until 2027-01-15T08:00:00.000Z",
    "warn",
  ],
  [
    { type: "certificateExpiring", certificate: "client_ca", validUntil: 1_800_000_000_000, daysLeft: 0 },
    "its certificate client_ca has less than a day, or has expired: until 2027-01-15T08:00:00.000Z",
    "bad",
  ],
  [
    { type: "certificateRenewed", certificate: "client", validUntil: 1_800_000_000_000 },
    "its certificate client was renewed, until 2027-01-15T08:00:00.000Z",
    "good",
  ],
  // Fields that are missing, and a type that came later.
  [{ type: "memberFailed", member: "n3" }, "member n3", "bad"],
  [{ type: "quorumLost" }, "", "bad"],
  [{ type: "gizmoRecovered", size: 4, why: "luck", error: { message: "m" } }, "size 4, why luck, error m", "good"],
  [{ type: "gizmoMoved", tookMs: 19.152044999, reason: null }, "tookMs 19.152", "plain"],
  [{ type: "constructor" }, "", "plain"],
])("%j", (fact, summary, tone) => {
  const event = { ...fact, at: 1, nodeId: "n1", seq: 1 } as unknown as TelemetryEvent;
  expect(describeEvent(event)).toEqual({ summary, tone });
});
