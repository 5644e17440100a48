import { checkInteger, checkOptionNames } from "../errors/base.ts";
import { eventTypes, type TelemetryEvent, type TelemetryEventType } from "./event.ts";
import type { Telemetry } from "./telemetry.ts";

export interface EventRecorderOptions {
  /** The newest events are kept, the others forgotten. 1 to 1 000 000, default 10 000. */
  readonly maxEvents?: number;
  /** Which events are recorded. Default: all. */
  readonly types?: readonly TelemetryEventType[];
}

/** What there is after a sequence number. */
export interface RecordedEvents {
  /** In order. */
  readonly events: readonly TelemetryEvent[];
  /** Sequence numbers, first and last, among which events were recorded that are forgotten by now. */
  readonly lost: { readonly from: number; readonly to: number } | undefined;
}

/** The latest events, for whoever comes late or was away. */
export interface EventRecorder {
  /** What is recorded. */
  readonly types: readonly TelemetryEventType[];
  /** How many are kept. */
  readonly size: number;
  /** The sequence number of the newest one recorded; 0 before there was any. */
  readonly lastSeq: number;
  /** The events after `seq`, oldest first, `limit` of them at most; and whether some are gone. 0 asks for all. */
  since(seq: number, limit?: number): RecordedEvents;
  /** Calls back after an event was recorded. Returns what takes the subscription back. */
  watch(listener: () => void): () => void;
  /** Records no more; what it has stays. */
  close(): void;
}

export const defaultEventRecorderOptions: Required<Pick<EventRecorderOptions, "maxEvents">> = { maxEvents: 10_000 };

const mostEvents = 1_000_000;

/**
 * Records what a telemetry publishes from now on, so many events of it.
 *
 * @throws InvalidArgumentError on an option that breaks its rule
 * @example
 * const recorder = recordEvents(telemetry, { maxEvents: 1_000 });
 * const { events, lost } = recorder.since(lastSeen);
 */
export function recordEvents(telemetry: Telemetry, options: EventRecorderOptions = {}): EventRecorder {
  checkOptionNames("recordEvents", options, ["maxEvents", "types"]);
  const { types = eventTypes } = options;
  const capacity = options.maxEvents ?? defaultEventRecorderOptions.maxEvents;
  checkInteger("recordEvents.maxEvents", capacity, 1, mostEvents);
  const filter = { types };
  /** A ring once it is full: the oldest at `start`. */
  const ring: TelemetryEvent[] = [];
  let start = 0;
  let lastSeq = 0;
  let forgottenSeq = 0;

  const stop = telemetry.subscribe((event) => {
    lastSeq = event.seq;
    if (ring.length < capacity) {
      ring.push(event);
      return;
    }
    forgottenSeq = ring[start]!.seq;
    ring[start] = event;
    start = (start + 1) % capacity;
  }, filter);

  /** How many of the kept have a number up to `seq`. */
  function countUpTo(seq: number): number {
    let low = 0;
    let high = ring.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ring[(start + middle) % ring.length]!.seq <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    types: [...types],
    get size() {
      return ring.length;
    },
    get lastSeq() {
      return lastSeq;
    },
    since(seq, limit = Infinity) {
      const first = countUpTo(seq);
      const length = Math.min(ring.length - first, limit);
      const events = Array.from({ length }, (_, at) => ring[(start + first + at) % ring.length]!);
      return { events, lost: seq < forgottenSeq ? { from: seq + 1, to: forgottenSeq } : undefined };
    },
    watch: (listener) => telemetry.subscribe(() => listener(), filter),
    close: stop,
  };
}
