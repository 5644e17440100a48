import { expect, it } from "vitest";
import { shownConnection } from "./connection.ts";

const open = { phase: "open", heardMs: 10_000, everyMs: 1_000 } as const;

it.each([
  [{ phase: "connecting", sinceMs: 0 } as const, 5_000, "connecting", "Connecting"],
  [open, 13_000, "live", "Live"],
  [open, 13_001, "stale", "Stale for 3 s"],
  [open, 25_900, "stale", "Stale for 15 s"],
  [
    { phase: "waiting", reason: "gone", retryAtMs: 7_400 } as const,
    5_000,
    "disconnected",
    "Disconnected: retry in 3 s",
  ],
  [
    { phase: "waiting", reason: "gone", retryAtMs: 4_000 } as const,
    5_000,
    "disconnected",
    "Disconnected: retry in 0 s",
  ],
  [{ phase: "refused" } as const, 0, "disconnected", "Disconnected: token needed"],
  [{ phase: "recorded" } as const, 0, "recording", "Recording"],
])("%j at %i ms is %s", (connection, nowMs, state, label) => {
  expect(shownConnection(connection, nowMs)).toMatchObject({ state, label });
});
