import { checkScenario } from "holdfast/proof";
import { createTelemetry } from "holdfast/telemetry";
import { VirtualClock } from "holdfast/testing";
import { expect, it } from "vitest";
import { drillState } from "./drill-state.ts";

it("a drill as it tells of itself: its phase, its faults, its verdict and what was measured", async () => {
  const clock = new VirtualClock();
  const telemetry = createTelemetry({ clock, nodeId: "drill" });
  const changes: string[] = [];
  const scenario = checkScenario({
    name: "cut",
    load: { for: "5s" },
    faults: [{ kind: "delay", target: "leader", for: "2s", delayMs: 30 }],
  });
  const state = drillState(scenario, telemetry, (kind) => changes.push(kind));
  expect([state.drills(), state.faults()]).toEqual([[], []]);
  const startedAt = clock.wallTime();

  telemetry.publish({ type: "drillStarted", drill: "cut" });
  await clock.advance(100);
  telemetry.publish({ type: "drillPhaseBegan", drill: "cut", phase: "load and faults" });
  const running = {
    drill: "cut",
    verdict: "running",
    phase: "load and faults",
    startedAt,
    endedAt: null,
    measures: {},
  };
  expect(state.drills()).toEqual([running]);

  const fault = { fault: "delay-1 (round 2)", target: "n2", kind: "delay" };
  telemetry.publish({ type: "faultInjected", ...fault, parameters: { delayMs: 30 }, durationMs: 2_000 });
  expect(state.faults()).toEqual([
    {
      id: "delay-1 (round 2)",
      target: "n2",
      kind: "delay",
      parameters: { delayMs: 30 },
      injectedAt: startedAt + 100,
      endsAt: startedAt + 2_100,
      struck: null,
    },
  ]);
  telemetry.publish({ type: "faultRemoved", ...fault, reason: "expired", lastedMs: 2_000, struck: null });
  expect(state.faults()).toEqual([]);

  await clock.advance(900);
  telemetry.publish({ type: "drillEnded", drill: "cut", verdict: "passed", reason: "", durationMs: 1_000 });
  state.setMeasures({ lostWrites: 0, linearizable: true, convergedMs: null, gapsMs: [1, 2] });
  const measures = { lostWrites: 0, linearizable: true, convergedMs: null };
  expect(state.drills()).toEqual([{ ...running, verdict: "passed", endedAt: startedAt + 1_000, measures }]);
  expect(changes).toEqual(["drills", "drills", "faults", "faults", "drills", "drills"]);
});
