import type { EventRecorder, IdentifiedEvent } from "holdfast/telemetry";
import { identified } from "./event-log.ts";

/** Events of this process, as it streams them to others too. */
export interface LocalEvents {
  readonly nodeId: string;
  /** Part of every event's id. */
  readonly run: string;
  readonly recorder: EventRecorder;
}

export interface LocalFeed {
  /** Tells what has come since, and what comes. */
  resume(): void;
  pause(): void;
}

const eventsPerPart = 500;

export function localFeed(
  { nodeId, run, recorder }: LocalEvents,
  onEvents: (events: readonly IdentifiedEvent[]) => void,
  onLost: (nodeId: string, count: number | null) => void,
): LocalFeed {
  let seq = 0;
  let stop: (() => void) | undefined;

  function tell(): void {
    for (;;) {
      const { events, lost } = recorder.since(seq, eventsPerPart);
      // Of what was forgotten before anybody watched, nobody was promised anything.
      if (lost !== undefined && seq > 0) onLost(nodeId, lost.to - lost.from + 1);
      const last = events.at(-1);
      if (last === undefined) return;
      seq = last.seq;
      onEvents(identified(nodeId, run, events));
    }
  }

  return {
    resume() {
      if (stop !== undefined) return;
      stop = recorder.watch(tell);
      tell();
    },
    pause() {
      stop?.();
      stop = undefined;
    },
  };
}
