import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { recordEvents, type EventRecorderOptions } from "./event-recorder.ts";
import { createTelemetry } from "./telemetry.ts";

const quorumLost = (term: number): { type: "quorumLost"; term: number } => ({ type: "quorumLost", term });

function recording(options?: EventRecorderOptions) {
  const telemetry = createTelemetry({ clock: new VirtualClock(), nodeId: "n1" });
  const recorder = recordEvents(telemetry, options);
  const seqs = (seq: number, limit?: number): number[] => recorder.since(seq, limit).events.map((event) => event.seq);
  return { telemetry, recorder, seqs };
}

describe("recordEvents", () => {
  it("gives what came after a number, all or some, and says where nothing is missing", () => {
    const { telemetry, recorder, seqs } = recording();
    expect([recorder.size, recorder.lastSeq, seqs(0)]).toEqual([0, 0, []]);
    for (let term = 1; term <= 5; term++) telemetry.publish(quorumLost(term));
    expect([recorder.size, recorder.lastSeq]).toEqual([5, 5]);
    expect([seqs(0), seqs(3), seqs(0, 2), seqs(5), seqs(99)]).toEqual([[1, 2, 3, 4, 5], [4, 5], [1, 2], [], []]);
    expect(recorder.since(0).lost).toBeUndefined();
  });

  it("says which numbers are lost at the bound", () => {
    const { telemetry, recorder, seqs } = recording({ maxEvents: 3 });
    for (let term = 1; term <= 7; term++) telemetry.publish(quorumLost(term));
    expect(seqs(1)).toEqual([5, 6, 7]);
    expect(recorder.since(1).lost).toEqual({ from: 2, to: 4 });
    expect(recorder.since(4).lost).toBeUndefined();
  });

  it("is a sliding window, whatever its size, what was asked for, and from where", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.boolean(), { maxLength: 40 }),
        fc.nat({ max: 45 }),
        (maxEvents, wanted, from) => {
          const { telemetry, recorder, seqs } = recording({ maxEvents, types: ["quorumLost"] });
          telemetry.subscribe(() => undefined);
          const all = wanted.flatMap((isWanted, at) => {
            telemetry.publish(isWanted ? quorumLost(at) : { type: "logTruncated", from: 1, to: 2 });
            return isWanted ? [at + 1] : [];
          });
          const kept = all.slice(-maxEvents);
          const forgotten = all.slice(0, -maxEvents).at(-1) ?? 0;
          expect(seqs(from)).toEqual(kept.filter((seq) => seq > from));
          expect(recorder.since(from).lost).toEqual(from < forgotten ? { from: from + 1, to: forgotten } : undefined);
        },
      ),
    );
  });

  it("calls back once an event is there, and not for others", () => {
    const { telemetry, recorder } = recording({ types: ["quorumLost"] });
    expect(recorder.types).toEqual(["quorumLost"]);
    const seen: number[] = [];
    const stop = recorder.watch(() => seen.push(recorder.lastSeq));
    telemetry.publish(quorumLost(1));
    telemetry.publish({ type: "logTruncated", from: 1, to: 2 });
    stop();
    telemetry.publish(quorumLost(2));
    expect(seen).toEqual([1]);
    expect(recorder.lastSeq).toBe(2);
  });

  it("keeps what it has when it is closed, and makes nobody work any more", () => {
    const { telemetry, recorder, seqs } = recording();
    telemetry.publish(quorumLost(1));
    recorder.close();
    telemetry.publish(quorumLost(2));
    expect([seqs(0), telemetry.active]).toEqual([[1], false]);
  });

  it.each([
    [{ maxEvents: 0 }, "recordEvents.maxEvents must be an integer >= 1 and <= 1000000 (got 0)"],
    [{ types: ["nothing"] }, 'filter.types[0] must be "memberJoined"'],
    [{ max: 1 }, "recordEvents.max is no option"],
  ])("refuses %j", (options, message) => {
    expect(() => recording(options as never)).toThrow(message);
  });
});
