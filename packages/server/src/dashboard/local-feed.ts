import type { EventRecorder } from "holdfast/telemetry";
import type { EventFeedOptions } from "./event-feed.ts";
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
  { onEvents, onLost, onForgotten }: Pick<EventFeedOptions, "onEvents" | "onLost" | "onForgotten">,
): LocalFeed {
  let seq = 0;
  let stop: (() => void) | undefined;

  function tell(): void {
    for (;;) {
      const { events, lost } = recorder.since(seq, eventsPerPart);
      if (lost !== undefined && seq > 0) onLost(nodeId, lost.to - lost.from + 1);
      else if (lost !== undefined) onForgotten(nodeId);
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
