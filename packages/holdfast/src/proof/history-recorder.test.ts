import { describe, expect, it } from "vitest";
import type { Clock } from "../runtime/index.ts";
import { historyRecorder } from "./history-recorder.ts";
import { pairOperations, type HistoryEvent } from "./history.ts";

/** Only its `now` is asked for. */
function clockAt(read: () => number): Clock {
  const refuse = (): never => {
    throw new Error("a recorder only reads the time");
  };
  return { now: read, wallTime: refuse, setTimer: refuse, defer: refuse, sleep: refuse };
}

describe("historyRecorder", () => {
  it("records calls and completions with the times at which they happened", () => {
    let nowMs = 1000;
    const seen: HistoryEvent[] = [];
    const recorder = historyRecorder(
      clockAt(() => nowMs),
      { onEvent: (event) => seen.push(event) },
    );
    const [a, b] = [recorder.process(), recorder.process()];
    nowMs = 1000.5;
    const put = a.invoke({ f: "put", key: "k", value: 1 });
    nowMs = 1001;
    const get = b.invoke({ f: "get", key: "k" });
    nowMs = 1002;
    get.ok(1);
    put.fail();
    expect(recorder.events).toEqual([
      { process: 0, type: "invoke", f: "put", key: "k", value: 1, timeNs: 500_000 },
      { process: 1, type: "invoke", f: "get", key: "k", value: null, timeNs: 1_000_000 },
      { process: 1, type: "ok", f: "get", key: "k", value: 1, timeNs: 2_000_000 },
      { process: 0, type: "fail", f: "put", key: "k", value: null, timeNs: 2_000_000 },
    ]);
    expect(seen).toEqual(recorder.events);
  });

  it("takes a new process number after an unknown outcome, and only the first completion counts", () => {
    const recorder = historyRecorder(clockAt(() => 0));
    const [a, b] = [recorder.process(), recorder.process()];
    const first = a.invoke({ f: "write", value: 1 });
    first.info("timeout");
    first.ok();
    b.invoke({ f: "read" }).ok(1);
    a.invoke({ f: "read" }).ok(1);
    expect(recorder.events.map(({ process, type }) => [process, type])).toEqual([
      [0, "invoke"],
      [0, "info"],
      [1, "invoke"],
      [1, "ok"],
      [2, "invoke"],
      [2, "ok"],
    ]);
    expect(pairOperations(recorder.events)).toHaveLength(3);
  });

  it("refuses two operations at once, and invocations beyond its bound but no completion", () => {
    const recorder = historyRecorder(
      clockAt(() => 0),
      { maxEvents: 1 },
    );
    const process = recorder.process();
    const pending = process.invoke({ f: "read" });
    expect(() => process.invoke({ f: "read" })).toThrow("process 0 has an operation under way");
    pending.ok(null);
    expect(recorder.events).toHaveLength(2);
    expect(() => process.invoke({ f: "read" })).toThrow("full: it holds 1 events");
    expect(() =>
      historyRecorder(
        clockAt(() => 0),
        { maxEvents: 0 },
      ),
    ).toThrow("historyRecorder.maxEvents must be an integer >= 1 (got 0)");
  });
});
