import type { ClusterView, IdentifiedEvent, LiveMessage } from "holdfast/telemetry";
import { expect, it } from "vitest";
import { LiveRecorder } from "./live-recorder.ts";
import { recordedHello } from "./record-hub.ts";

const head = { title: "a run", startedAt: 1_000, durationMs: 60_000 };

function cluster(at: number): LiveMessage {
  return { type: "cluster", cluster: { at, leader: null, members: [] } as unknown as ClusterView };
}

function events(...seqs: readonly number[]): LiveMessage {
  const list = seqs.map((seq): IdentifiedEvent => {
    const event = { type: "drillStarted", drill: "a run", at: seq, nodeId: "n1", seq } as const;
    return { id: `n1:r-${seq}`, event };
  });
  return { type: "events", events: list };
}

const timesOf = (recorder: LiveRecorder, type: LiveMessage["type"]): number[] =>
  recorder.finish(head).messages.flatMap(({ atMs, message }) => (message.type === type ? [atMs] : []));

it("keeps messages in order of time, and a state that is as it was only once", () => {
  const recorder = new LiveRecorder();
  recorder.take(0, recordedHello("n1"));
  recorder.take(5.4, { type: "drills", drills: [] });
  recorder.take(7, { type: "drills", drills: [] });
  recorder.take(9, events(1));
  recorder.take(8, events(1));
  const recording = recorder.finish(head);
  expect(recording).toMatchObject({ format: "holdfast-recording", version: 1, ...head });
  expect(recording.messages.map(({ atMs, message }) => [atMs, message.type])).toEqual([
    [0, "hello"],
    [5, "drills"],
    [9, "events"],
    [9, "events"],
  ]);
  expect(recording).not.toHaveProperty("omitted");
});

it("thins out the kind that takes most, over the whole time, and counts it", () => {
  const recorder = new LiveRecorder({ maxMessages: 100 });
  recorder.take(0, recordedHello("n1"));
  recorder.take(1, { type: "faults", faults: [], targets: [] });
  for (let at = 1; at <= 1_000; at++) {
    recorder.take(at, cluster(at));
    expect(recorder.size).toBeLessThanOrEqual(100);
    if (at % 100 === 0) recorder.take(at, events(at));
  }
  const times = timesOf(recorder, "cluster");
  expect([times[0], times.at(-1)]).toEqual([1, 1_000]);
  const gaps = times.slice(1).map((at, index) => at - times[index]!);
  expect(times.length).toBeGreaterThan(20);
  expect(Math.max(...gaps)).toBeLessThan(100);
  expect(recorder.omitted).toEqual({ states: 1_000 - times.length, events: 0 });
  expect(timesOf(recorder, "faults")).toEqual([1]);
  // No event had to go for the views.
  expect(timesOf(recorder, "events")).toHaveLength(10);
  expect(timesOf(recorder, "hello")).toEqual([0]);
});

it("gives up the oldest events when these are too many, and says how many before the first that is left", () => {
  const recorder = new LiveRecorder({ maxMessages: 10 });
  recorder.take(0, recordedHello("n1"));
  recorder.take(1, cluster(1));
  for (let at = 1; at <= 40; at++) recorder.take(at, events(2 * at - 1, 2 * at));
  const recording = recorder.finish(head);
  const told = recording.messages.flatMap(({ message }) => (message.type === "events" ? message.events : []));
  expect(told.at(-1)?.id).toBe("n1:r-80");
  const gone = 80 - told.length;
  expect(gone).toBeGreaterThan(0);
  expect(told.map(({ event }) => event.seq)).toEqual(Array.from(told, (_, at) => gone + 1 + at));
  expect(recording.omitted).toEqual({ states: 0, events: gone });
  const lost = recording.messages.findIndex(({ message }) => message.type === "lost");
  expect(recording.messages[lost]?.message).toEqual({ type: "lost", nodeId: "", count: gone });
  expect(recording.messages[lost + 1]?.message.type).toBe("events");
  expect(timesOf(recorder, "cluster")).toEqual([1]);
});

it("counts bytes, too: one message more than there is room for does not stop it", () => {
  const size = JSON.stringify(cluster(100)).length;
  const recorder = new LiveRecorder({ maxBytes: 10 * size });
  for (let at = 100; at < 200; at++) recorder.take(at, cluster(at));
  expect(JSON.stringify(recorder.finish(head).messages.map(({ message }) => message)).length).toBeLessThan(11 * size);
  const tiny = new LiveRecorder({ maxBytes: 10 });
  tiny.take(0, recordedHello("n1"));
  for (let at = 1; at < 5; at++) tiny.take(at, events(at));
  expect(tiny.size).toBe(2);
  expect(tiny.omitted).toEqual({ states: 0, events: 3 });
});
