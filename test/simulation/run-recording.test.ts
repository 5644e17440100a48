import { expect, it } from "vitest";
import { renderRecording, type LiveMessage, type LiveRecording } from "holdfast/telemetry";
import { readRecording } from "../../packages/dashboard/src/recording/read-recording.ts";
import { recordSimulation } from "./run-recording.ts";
import { runSimulation } from "./run.ts";

const seed = 42;

function eventsOf({ messages }: LiveRecording): Extract<LiveMessage, { type: "events" }>["events"] {
  return messages.flatMap(({ message }) => (message.type === "events" ? message.events : []));
}

function lastOf<Type extends LiveMessage["type"]>(
  { messages }: LiveRecording,
  type: Type,
): Extract<LiveMessage, { type: Type }> | undefined {
  const found = messages.findLast(({ message }) => message.type === type)?.message;
  return found as Extract<LiveMessage, { type: Type }> | undefined;
}

it("a recorded run is the run that it would have been, and the same seed gives the same bytes", async () => {
  const [plain, first, again] = [
    await runSimulation({ seed }),
    await recordSimulation({ seed }),
    await recordSimulation({ seed }),
  ];
  expect(first.result).toEqual(plain);
  expect(JSON.stringify(again.recording)).toBe(JSON.stringify(first.recording));
  expect((await recordSimulation({ seed: 43 })).recording.messages).not.toEqual(first.recording.messages);
});

it("shows members with their roles and terms, and each fault from its beginning to its end", async () => {
  const { recording, result } = await recordSimulation({ seed });
  expect(recording.messages[0]?.message.type).toBe("hello");
  expect(recording.durationMs).toBe(Math.round(result.virtualMs));
  expect(recording.command).toBe(`npm run simulate -- --seed ${seed}`);
  const events = eventsOf(recording).map(({ event }) => event);
  const leaders = events.filter((event) => event.type === "roleChanged" && event.role === "leader");
  expect(leaders.length).toBeGreaterThan(1);
  const begun = events.flatMap((event) => (event.type === "faultInjected" ? [event.fault] : []));
  const over = events.flatMap((event) => (event.type === "faultRemoved" ? [event.fault] : []));
  expect(begun.length).toBeGreaterThan(5);
  expect(over.toSorted()).toEqual(begun.toSorted());
  expect(lastOf(recording, "faults")?.faults).toEqual([]);
  const stopped = recording.messages.some(
    ({ message }) =>
      message.type === "cluster" && message.cluster.members.some(({ liveness }) => liveness === "stopped"),
  );
  expect(stopped).toBe(true);
  const { leader, members } = lastOf(recording, "cluster")!.cluster;
  expect(members.find(({ name }) => name === leader)).toMatchObject({ role: "leader", liveness: "answers" });
  expect(lastOf(recording, "drills")?.drills).toMatchObject([
    { verdict: "passed", measures: { traceHash: result.traceHash, violation: null } },
  ]);
});

it("ends with the violation, and the step that brought it", async () => {
  const plant = "wrong-even-majority";
  let found = await recordSimulation({ seed: 1, plant });
  for (let next = 2; next <= 300 && found.result.violation === undefined; next++)
    found = await recordSimulation({ seed: next, plant });
  const { recording, result } = found;
  expect(result.violation).toBeDefined();
  const end = eventsOf(recording).at(-1)?.event;
  expect(end).toMatchObject({ type: "drillEnded", verdict: "failed" });
  expect(JSON.stringify(end)).toContain(result.violation!.invariant);
  expect(lastOf(recording, "drills")?.drills[0]?.verdict).toBe("failed");
});

it("is read by the page without a word against it, whatever the seed", async () => {
  const template = '<script type="application/json" id="recording"></script>';
  for (const each of [1, 2, 3]) {
    const { recording } = await recordSimulation({ seed: each });
    const [, text = ""] = /id="recording">([^<]*)</.exec(renderRecording(template, recording)) ?? [];
    const read = readRecording(text);
    expect([read.problem, "warnings" in read && read.warnings]).toEqual([undefined, []]);
    // As text: taken apart, tens of thousands of messages take long to compare.
    expect(JSON.stringify(read.recording?.messages) === JSON.stringify(recording.messages)).toBe(true);
  }
});
