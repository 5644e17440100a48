import type { HelloMessage, LiveMessage } from "holdfast/telemetry";
import { packageVersion } from "../cli/version.ts";
import { everyMs, type HubChange, type LiveHub, type StateKind } from "../dashboard/live-hub.ts";
import type { LiveRecorder } from "./live-recorder.ts";

export interface HubRecording {
  /** Takes what there is at last, and closes the hub. */
  finish(): void;
}

export interface RecordHubOptions {
  readonly hub: LiveHub;
  readonly recorder: LiveRecorder;
  /** Milliseconds since the recording began. */
  readonly elapsedMs: () => number;
  /** Whether a state is worth keeping at this moment. */
  readonly wants: (kind: StateKind) => boolean;
}

const eventsPerMessage = 500;
const kinds: readonly StateKind[] = ["cluster", "services", "plans", "drills", "faults"];

/** What a recording begins with: nobody changes anything in it. */
export function recordedHello(servedBy: string): HelloMessage {
  const allows = { faults: false, plans: false, keys: false };
  return { type: "hello", version: 1, servedBy, release: packageVersion(), allows, everyMs };
}

/** Records what a hub's pages would be told, as it is told. */
export function recordHub({ hub, recorder, elapsedMs, wants }: RecordHubOptions): HubRecording {
  let position = 0;
  const take = (message: LiveMessage): void => recorder.take(elapsedMs(), message);
  const takeState = (kind: StateKind): void => {
    if (wants(kind) && (kind !== "cluster" || hub.isReady)) take(hub.state(kind));
  };

  function takeEvents(): void {
    for (;;) {
      const part = hub.log.after(position, eventsPerMessage);
      if (part.dropped > 0) take({ type: "lost", nodeId: "", count: part.dropped });
      let batch: string[] = [];
      const endBatch = (): void => {
        if (batch.length > 0) take(JSON.parse(`{"type":"events","events":[${batch.join()}]}`) as LiveMessage);
        batch = [];
      };
      for (const { kind, json } of part.entries) {
        if (kind === "event") {
          batch.push(json);
          continue;
        }
        endBatch();
        take(JSON.parse(json) as LiveMessage);
      }
      endBatch();
      if (part.position === position) return;
      position = part.position;
    }
  }

  take(recordedHello(hub.cluster().servedBy));
  hub.watch((change: HubChange) => (change === "events" ? takeEvents() : takeState(change)));
  kinds.forEach(takeState);

  return {
    finish() {
      kinds.forEach(takeState);
      hub.close();
      // What was still gathered has come to the log by now.
      takeEvents();
    },
  };
}
