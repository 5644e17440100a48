import { InvalidArgumentError } from "../errors/base.ts";
import type { Clock } from "../runtime/index.ts";
import { HistoryError } from "./history-error.ts";
import type { EventType, HistoryEvent } from "./history.ts";

/** A call, before it is made. */
export interface Invocation {
  readonly f: string;
  readonly key?: string;
  /** The arguments; JSON, undefined standing for null. */
  readonly value?: unknown;
}

/** A call under way. The first of the three to be called ends it; later ones do nothing. */
export interface PendingOperation {
  /** It took effect, with this result. */
  ok(value?: unknown): void;
  /** It certainly did not take effect and never will: the only outcome that may be left out of a check. */
  fail(reason?: unknown): void;
  /** Nobody knows: a timeout, a lost connection, any error whose meaning is in doubt. */
  info(reason?: unknown): void;
}

/** One caller, who waits for each operation before the next. */
export interface RecordedProcess {
  /** Call it right before the operation is sent. @throws HistoryError while another is under way, or at the bound */
  invoke(invocation: Invocation): PendingOperation;
}

export interface HistoryRecorder {
  /** In the order in which they happened. */
  readonly events: readonly HistoryEvent[];
  /** A caller with a process number of its own; it gets a new one after each unknown outcome. */
  process(): RecordedProcess;
}

export interface HistoryRecorderOptions {
  /** Every event, as it happens: for a file. */
  readonly onEvent?: (event: HistoryEvent) => void;
  /** Invocations beyond this many events are refused; completions never are. Default 1 000 000. */
  readonly maxEvents?: number;
}

/**
 * Records what clients call and what they get. Times are read here, at the call and at the completion, on one clock,
 * so that an operation's interval always contains the moment at which it took effect.
 *
 * @example
 * const client = historyRecorder(runtime.clock).process();
 * const pending = client.invoke({ f: "get", key: "a" });
 * pending.ok("1");
 */
export function historyRecorder(clock: Clock, options: HistoryRecorderOptions = {}): HistoryRecorder {
  const { maxEvents = 1_000_000, onEvent } = options;
  if (!Number.isSafeInteger(maxEvents) || maxEvents < 1) {
    throw new InvalidArgumentError("historyRecorder.maxEvents", "must be an integer >= 1", maxEvents);
  }
  const events: HistoryEvent[] = [];
  const start = clock.now();
  let processes = 0;

  function record(process: number, type: EventType, invocation: Invocation, value: unknown): void {
    const key = invocation.key === undefined ? {} : { key: invocation.key };
    const timeNs = Math.round((clock.now() - start) * 1e6);
    const event = { process, type, f: invocation.f, ...key, value: value ?? null, timeNs };
    events.push(event);
    onEvent?.(event);
  }

  function recordedProcess(): RecordedProcess {
    let number = processes++;
    let busy = false;
    return {
      invoke(invocation) {
        if (busy) throw new HistoryError(undefined, `process ${number} has an operation under way`);
        if (events.length >= maxEvents) throw new HistoryError(undefined, `full: it holds ${maxEvents} events`);
        busy = true;
        let over = false;
        const complete = (type: EventType, value: unknown): void => {
          if (over) return;
          over = true;
          busy = false;
          record(number, type, invocation, value);
          if (type === "info") number = processes++;
        };
        record(number, "invoke", invocation, invocation.value);
        return {
          ok: (value) => complete("ok", value),
          fail: (reason) => complete("fail", reason),
          info: (reason) => complete("info", reason),
        };
      },
    };
  }

  return { events, process: recordedProcess };
}
