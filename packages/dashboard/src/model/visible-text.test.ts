import type { TelemetryEvent } from "holdfast/telemetry";
import { expect, it } from "vitest";
import { describeEvent } from "./describe-event.ts";
import { visibleText } from "./visible-text.ts";

it("writes out what cannot be seen, and leaves all else", () => {
  expect(visibleText("pay\u202Egpj.exe\u2069 \u001B[31mred\u0007\0")).toBe(
    String.raw`pay\u202egpj.exe\u2069 \u001b[31mred\u0007\u0000`,
  );
  const plain = "ärmlich ☂ 日本 עברית\n\ttab";
  expect(visibleText(plain)).toBe(plain);
});

it("is what events are told in, and not at any length", () => {
  const event = { type: "memberJoined", at: 0, nodeId: "n1", seq: 1, member: `n\u202E2${"x".repeat(5_000)}` };
  const { summary } = describeEvent(event as TelemetryEvent);
  expect(summary.startsWith(String.raw`n\u202e2xxx`)).toBe(true);
  expect(summary.length).toBeLessThan(1_010);
  const ended = { type: "drillEnded", at: 0, nodeId: "n1", seq: 1, drill: "d", verdict: "constructor", reason: "" };
  expect(describeEvent(ended as unknown as TelemetryEvent).tone).toBe("bad");
});
