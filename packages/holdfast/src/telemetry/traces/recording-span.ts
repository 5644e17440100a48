import type { Clock } from "../../runtime/system.ts";
import { AttributeTable } from "./kept-attributes.ts";
import type {
  AttributeValue,
  Attributes,
  FinishedSpan,
  Span,
  SpanEvent,
  SpanKind,
  SpanLimits,
  SpanLink,
  SpanStatus,
} from "./span.ts";
import type { TraceContext } from "./trace-context.ts";

/**
 * The wall clock's time at one moment, and from there by the monotonic clock: a trace's spans in one process share it, so
 * that a wall clock that is set meanwhile puts no child before its parent.
 */
export class TimeAnchor {
  readonly #clock: Pick<Clock, "now" | "wallTime">;
  readonly #offsetMs: number;

  constructor(clock: Pick<Clock, "now" | "wallTime">) {
    this.#clock = clock;
    this.#offsetMs = clock.wallTime() - clock.now();
  }

  now(): number {
    return this.#clock.now() + this.#offsetMs;
  }
}

interface SpanBeginning {
  readonly context: TraceContext;
  readonly parent: TraceContext | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startedAt: number | undefined;
  readonly attributes: Attributes | undefined;
  readonly links: readonly SpanLink[] | undefined;
}

/** A span that is not recorded: its context goes on, nothing else is kept. */
export class UnrecordedSpan implements Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  readonly random: boolean;
  declare readonly traceState?: string;

  constructor({ traceId, spanId, sampled, random, traceState }: TraceContext) {
    this.traceId = traceId;
    this.spanId = spanId;
    this.sampled = sampled;
    this.random = random === true;
    if (traceState !== undefined) this.traceState = traceState;
  }

  get isRecording(): boolean {
    return false;
  }

  setAttribute(_name: string, _value: AttributeValue | undefined): void {}
  setAttributes(_attributes: Attributes): void {}
  rename(_name: string): void {}
  addEvent(_name: string, _attributes?: Attributes, _at?: number): void {}
  addLink(_link: SpanLink): void {}
  setStatus(_status: SpanStatus): void {}
  fail(_error: unknown): void {}
  end(_at?: number): void {}
}

export class RecordingSpan extends UnrecordedSpan {
  readonly anchor: TimeAnchor;
  readonly #limits: SpanLimits;
  readonly #onEnd: (span: FinishedSpan) => void;
  readonly #parent: TraceContext | undefined;
  readonly #kind: SpanKind;
  readonly #startedAt: number;
  readonly #attributes: AttributeTable;
  readonly #events: SpanEvent[] = [];
  readonly #links: FinishedSpan["links"][number][] = [];
  #name: string;
  #status: SpanStatus = { code: "unset" };
  #droppedEvents = 0;
  #droppedLinks = 0;
  #isOver = false;

  constructor(beginning: SpanBeginning, anchor: TimeAnchor, limits: SpanLimits, onEnd: (span: FinishedSpan) => void) {
    super(beginning.context);
    const { parent, name, kind, startedAt = anchor.now(), attributes, links = [] } = beginning;
    this.anchor = anchor;
    this.#limits = limits;
    this.#onEnd = onEnd;
    this.#parent = parent;
    this.#name = name.slice(0, limits.maxText);
    this.#kind = kind;
    this.#startedAt = startedAt;
    this.#attributes = new AttributeTable(limits.maxAttributes, limits.maxText);
    this.#attributes.setAll(attributes);
    for (const link of links) this.addLink(link);
  }

  override get isRecording(): boolean {
    return !this.#isOver;
  }

  override setAttribute(name: string, value: AttributeValue | undefined): void {
    if (!this.#isOver) this.#attributes.set(name, value);
  }

  override setAttributes(attributes: Attributes): void {
    if (!this.#isOver) this.#attributes.setAll(attributes);
  }

  override rename(name: string): void {
    if (!this.#isOver) this.#name = name.slice(0, this.#limits.maxText);
  }

  override addEvent(name: string, attributes?: Attributes, at: number = this.anchor.now()): void {
    if (this.#isOver) return;
    if (this.#events.length >= this.#limits.maxEvents) {
      this.#droppedEvents++;
      return;
    }
    this.#events.push({ name: name.slice(0, this.#limits.maxText), at, attributes: this.#bounded(attributes) });
  }

  override addLink({ context, attributes }: SpanLink): void {
    if (this.#isOver) return;
    if (this.#links.length >= this.#limits.maxLinks) {
      this.#droppedLinks++;
      return;
    }
    // Not the span that it may be, with all that it holds.
    const { traceId, spanId, sampled, traceState } = context;
    const linked = { traceId, spanId, sampled, ...(traceState === undefined ? {} : { traceState }) };
    this.#links.push({ context: linked, attributes: this.#bounded(attributes) });
  }

  override setStatus(status: SpanStatus): void {
    if (!this.#isOver && this.#status.code !== "ok") this.#status = status;
  }

  override fail(error: unknown): void {
    if (this.#isOver) return;
    const { name, message, code, stack } = factsOf(error);
    this.setStatus({ code: "error", message: message.slice(0, this.#limits.maxText) });
    this.setAttribute("error.type", code ?? name);
    this.addEvent("exception", {
      "exception.type": name,
      "exception.message": message,
      "exception.stacktrace": stack,
    });
  }

  override end(at: number = this.anchor.now()): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { traceId, spanId, sampled, traceState } = this;
    const parent = this.#parent;
    this.#onEnd({
      traceId,
      spanId,
      sampled,
      ...(traceState === undefined ? {} : { traceState }),
      ...(parent === undefined ? {} : { parentSpanId: parent.spanId, isParentRemote: parent.isRemote === true }),
      name: this.#name,
      kind: this.#kind,
      startedAt: this.#startedAt,
      durationMs: Math.max(0, at - this.#startedAt),
      attributes: this.#attributes.values,
      events: this.#events,
      links: this.#links,
      status: this.#status,
      dropped: { attributes: this.#attributes.dropped, events: this.#droppedEvents, links: this.#droppedLinks },
    });
  }

  #bounded(attributes: Attributes | undefined): AttributeTable["values"] {
    const table = new AttributeTable(this.#limits.maxAttributes, this.#limits.maxText);
    table.setAll(attributes);
    return table.values;
  }
}

interface ErrorFacts {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly stack: string | undefined;
}

/** Anything can be thrown, also what throws when it is looked at. */
function factsOf(error: unknown): ErrorFacts {
  try {
    if (!(error instanceof Error))
      return { name: typeof error, message: String(error), code: undefined, stack: undefined };
    const { name, message, code, stack }: { readonly [fact in keyof ErrorFacts]?: unknown } = error;
    return { name: String(name), message: String(message), code: textOrNone(code), stack: textOrNone(stack) };
  } catch {
    return { name: "unknown", message: "", code: undefined, stack: undefined };
  }
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
