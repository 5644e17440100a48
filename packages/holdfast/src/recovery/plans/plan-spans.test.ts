import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTracer, planSpans, type FinishedSpan } from "../../telemetry/index.ts";
import type { OrchestratorOptions } from "./orchestrator-options.ts";
import type { PlanEvent } from "./plan-event.ts";
import { OrchestratorScene } from "./testing/orchestrator-scene.ts";

let scene: OrchestratorScene;
beforeEach(() => {
  scene = new OrchestratorScene();
});
afterEach(() => scene.close());

/** The spans of what an orchestrator has told. */
function spansOf(events: readonly PlanEvent[]): FinishedSpan[] {
  const spans: FinishedSpan[] = [];
  const tracer = createTracer({ clock: scene.clock, sinks: [{ write: (span) => void spans.push(span) }] });
  const onEvent: NonNullable<OrchestratorOptions["onEvent"]> = planSpans(tracer);
  for (const event of events) onEvent(event);
  expect(tracer.metrics.started).toBe(tracer.metrics.ended);
  return spans;
}

describe("the spans of a plan", () => {
  it("are one for the execution, and in it one for each try of a step", async () => {
    scene.world.failures.set("a", 1);
    const one = scene.orchestrator("one");
    const retry = { attempts: 2, baseDelay: "1s" };
    one.register({
      id: "plan",
      steps: [
        { id: "a", type: "work", retry },
        { id: "b", type: "work", dependsOn: ["a"] },
      ],
    });
    const id = await scene.until(one.execute("plan"));
    const { startedAt = 0, endedAt = 0 } = await scene.until(one.finished(id));
    const spans = spansOf(scene.events);
    const execution = spans.at(-1);
    expect(spans.map(({ name }) => name)).toEqual(["step a", "step a", "step b", "plan plan"]);
    expect(execution).toMatchObject({
      startedAt,
      durationMs: endedAt - startedAt,
      attributes: { "holdfast.plan": "plan", "holdfast.execution": id },
      status: { code: "unset" },
    });
    for (const step of spans.slice(0, 3)) {
      expect(step).toMatchObject({ parentSpanId: execution?.spanId, traceId: execution?.traceId });
    }
    expect(spans.map(({ status }) => status.code)).toEqual(["error", "unset", "unset", "unset"]);
    expect(spans.slice(0, 3).map(({ attributes }) => attributes["holdfast.attempt"])).toEqual([1, 2, 1]);
    const told = scene.events.filter(({ type }) => type === "stepStarted").map(({ at }) => at);
    expect(spans.slice(0, 3).map((span) => span.startedAt)).toEqual(told);
    expect(spans.slice(0, 3).every(({ durationMs }) => durationMs > 0)).toBe(true);
  });

  it("tell of the undoing, and of an execution that failed", async () => {
    scene.world.failures.set("b", 9);
    const one = scene.orchestrator("one");
    one.register({
      id: "plan",
      steps: [
        { id: "a", type: "work", rollback: "undo-a" },
        { id: "b", type: "work", dependsOn: ["a"] },
      ],
      rollbackSteps: [{ id: "undo-a", type: "undo-work" }],
    });
    const id = await scene.until(one.execute("plan"));
    await scene.until(one.finished(id));
    const spans = spansOf(scene.events);
    expect(spans.map(({ name }) => name)).toEqual(["step a", "step b", "undo a", "plan plan"]);
    expect(spans.at(-1)?.status).toMatchObject({ code: "error" });
    expect(spans.at(-1)?.events.map(({ name }) => name)).toContain("rollbackStarted");
  });

  it("end what was interrupted, and begin nothing with the end of what nobody saw", () => {
    const of = { execution: "e", plan: "p" };
    const spans = spansOf([
      { type: "executionFailed", at: 1, cause: { type: "cancelled", by: "x" } as never, ...of },
      { type: "takenOver", at: 10, by: "two", ...of },
      { type: "stepStarted", at: 11, step: "a", attempt: 1, ...of },
      { type: "stepStarted", at: 20, step: "a", attempt: 1, again: true, ...of },
      { type: "stepTimedOut", at: 25, step: "a", attempt: 1, ...of },
      { type: "stepCancelled", at: 30, step: "a", ...of },
      { type: "stepStarted", at: 31, step: "b", attempt: 1, ...of },
      { type: "executionCancelled", at: 40, by: "somebody", ...of },
      { type: "cancelIgnored", at: 41, by: "somebody", ...of },
    ]);
    expect(spans.map(({ name, startedAt, durationMs }) => [name, startedAt, durationMs])).toEqual([
      ["step a", 11, 9],
      ["step a", 20, 10],
      ["step b", 31, 9],
      ["plan p", 10, 30],
    ]);
    expect(spans[0]?.events).toMatchObject([{ name: "interrupted", at: 20 }]);
    expect(spans[1]?.events).toMatchObject([
      { name: "timed out", at: 25 },
      { name: "cancelled", at: 30 },
    ]);
    expect(spans[3]).toMatchObject({
      status: { code: "error", message: "cancelled by somebody" },
      events: [{ name: "takenOver", attributes: { "holdfast.by": "two" } }],
    });
  });
});
