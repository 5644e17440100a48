import type { LiveMessage, LiveRecording } from "holdfast/telemetry";

export interface RecorderBounds {
  /** Default 20 000. */
  readonly maxMessages: number;
  /** Of all messages together, as JSON. Default 32 MiB. */
  readonly maxBytes: number;
}

const defaultBounds: RecorderBounds = { maxMessages: 20_000, maxBytes: 32 * 1024 * 1024 };

/** What there was no room for. */
export type Omitted = NonNullable<LiveRecording["omitted"]>;

/** What stands before the messages. */
export type RecordingHead = Pick<LiveRecording, "title" | "startedAt" | "durationMs" | "command">;

interface Kept {
  readonly atMs: number;
  readonly message: LiveMessage;
  readonly bytes: number;
}

/** What thins out together: messages of one type; what is lost stands among the events. */
type Kind = Exclude<LiveMessage["type"], "hello" | "lost">;

/**
 * Keeps what a stream says, so much of it and no more. At a bound the kind that takes most is thinned out: of states those
 * that are closest in time go, so that the rest spans all of it evenly; of events the oldest half, and a `lost` message
 * tells how many.
 */
export class LiveRecorder {
  readonly #bounds: RecorderBounds;
  #kept: Kept[] = [];
  #bytes = 0;
  /** The newest of each kind of state, as JSON. */
  readonly #said = new Map<string, string>();
  #omitted: Omitted = { states: 0, events: 0 };
  #lastMs = 0;

  constructor(bounds: Partial<RecorderBounds> = {}) {
    this.#bounds = { ...defaultBounds, ...bounds };
  }

  get size(): number {
    return this.#kept.length;
  }

  get omitted(): Omitted {
    return this.#omitted;
  }

  /** Keeps a message; a state that is as it was says nothing new. Times never go back. */
  take(atMs: number, message: LiveMessage): void {
    const json = JSON.stringify(message);
    const { type } = message;
    if (type !== "events" && type !== "lost") {
      if (this.#said.get(type) === json) return;
      this.#said.set(type, json);
    }
    this.#lastMs = Math.max(this.#lastMs, Math.round(atMs));
    const bytes = Buffer.byteLength(json);
    this.#kept.push({ atMs: this.#lastMs, message, bytes });
    this.#bytes += bytes;
    if (this.#fill > 1) this.#thin();
  }

  finish({ title, startedAt, durationMs, command }: RecordingHead): LiveRecording {
    const messages = this.#kept.map(({ atMs, message }) => ({ atMs, message }));
    const { events } = this.#omitted;
    const first = messages.findIndex(({ message: { type } }) => type === "events" || type === "lost");
    if (events > 0) {
      const at = first < 0 ? messages.length : first;
      const atMs = messages[at]?.atMs ?? this.#lastMs;
      messages.splice(at, 0, { atMs, message: { type: "lost", nodeId: "", count: events } });
    }
    const isWhole = events === 0 && this.#omitted.states === 0;
    return {
      format: "holdfast-recording",
      version: 1,
      title,
      startedAt,
      durationMs: Math.round(durationMs),
      ...(command === undefined ? {} : { command }),
      ...(isWhole ? {} : { omitted: this.#omitted }),
      messages,
    };
  }

  /** Of the bounds; beyond 1 there is too much. */
  get #fill(): number {
    return this.#share(this.#kept.length, this.#bytes);
  }

  #share(messages: number, bytes: number): number {
    return Math.max(messages / this.#bounds.maxMessages, bytes / this.#bounds.maxBytes);
  }

  /** Down to half of the bounds, so that the next time is far off. */
  #thin(): void {
    while (this.#fill > 0.5) {
      const byKind = Map.groupBy(this.#kept, kindOf);
      byKind.delete(undefined);
      const heaviest = [...byKind]
        .filter(([, messages]) => messages.length > 1)
        .map(([kind, messages]) => ({ kind, messages, share: this.#share(messages.length, bytesOf(messages)) }))
        .toSorted((left, right) => right.share - left.share)[0];
      if (heaviest === undefined) return;
      this.#drop(heaviest.kind === "events" ? olderHalf(heaviest.messages) : tooClose(heaviest.messages));
    }
  }

  #drop(gone: ReadonlySet<Kept>): void {
    let { states, events } = this.#omitted;
    for (const { message } of gone) {
      if (message.type === "events") events += message.events.length;
      else if (message.type === "lost") events += message.count ?? 0;
      else states++;
    }
    this.#omitted = { states, events };
    this.#kept = this.#kept.filter((each) => !gone.has(each));
    this.#bytes = bytesOf(this.#kept);
  }
}

function kindOf({ message: { type } }: Kept): Kind | undefined {
  // The first message is what everything else is read by.
  return type === "hello" ? undefined : type === "lost" ? "events" : type;
}

function bytesOf(messages: readonly Kept[]): number {
  return messages.reduce((sum, { bytes }) => sum + bytes, 0);
}

function olderHalf(messages: readonly Kept[]): ReadonlySet<Kept> {
  return new Set(messages.slice(0, Math.ceil(messages.length / 2)));
}

/** All but half at the most, in even steps of time: the first and the last stay, how it began and how it is. */
function tooClose(messages: readonly Kept[]): ReadonlySet<Kept> {
  const last = messages.at(-1);
  if (messages.length <= 2) return new Set(messages.slice(0, -1));
  for (let stepMs = 1; ; stepMs *= 2) {
    let keptMs = Number.NEGATIVE_INFINITY;
    const gone = messages.filter((each) => {
      const isGone = each !== last && each.atMs - keptMs < stepMs;
      if (!isGone) keptMs = each.atMs;
      return isGone;
    });
    if (gone.length >= Math.floor(messages.length / 2)) return new Set(gone);
  }
}
