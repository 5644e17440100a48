import type { TraceContext } from "./trace-context.ts";

/** Who is on the other side: `server` answers a request, `client` makes one; messages have `producer` and `consumer`. */
export const spanKinds = ["internal", "server", "client", "producer", "consumer"] as const;

export type SpanKind = (typeof spanKinds)[number];

export type AttributeValue = string | number | boolean | readonly string[] | readonly number[] | readonly boolean[];

/** Of undefined values nothing is kept. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

export type KeptAttributes = Readonly<Record<string, AttributeValue>>;

/** `unset` is fine unless somebody says otherwise; `ok` is a person's word, which nothing changes any more. */
export type SpanStatus =
  | { readonly code: "unset" | "ok" }
  | { readonly code: "error"; readonly message?: string | undefined };

/** Something that happened at a moment of a span. `at`: milliseconds since 1970, with fractions. */
export interface SpanEvent {
  readonly name: string;
  readonly at: number;
  readonly attributes: KeptAttributes;
}

/** Another span that has to do with this one, without being its parent: of each message of a batch, its sender's. */
export interface SpanLink {
  readonly context: TraceContext;
  readonly attributes?: Attributes;
}

/** A piece of work, as whoever does it sees it. Once it has ended, and where it is not recorded, nothing is kept. */
export interface Span extends TraceContext {
  /** Whether anybody will see it: ask before working out attributes that are dear. */
  readonly isRecording: boolean;
  setAttribute(name: string, value: AttributeValue | undefined): void;
  setAttributes(attributes: Attributes): void;
  /** What is known only later: a route, for instance. */
  rename(name: string): void;
  addEvent(name: string, attributes?: Attributes, at?: number): void;
  addLink(link: SpanLink): void;
  setStatus(status: SpanStatus): void;
  /** The status `error`, and an event `exception` with the error's name, message, code and stack. */
  fail(error: unknown): void;
  /** Once; `at` in milliseconds since 1970, now by default. */
  end(at?: number): void;
}

/** A span that has ended, as exporters get it. */
export interface FinishedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  readonly traceState?: string;
  readonly parentSpanId?: string;
  readonly isParentRemote?: boolean;
  readonly name: string;
  readonly kind: SpanKind;
  /** Milliseconds since 1970, with fractions. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly attributes: KeptAttributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly { readonly context: TraceContext; readonly attributes: KeptAttributes }[];
  readonly status: SpanStatus;
  /** What there was no room for. */
  readonly dropped: { readonly attributes: number; readonly events: number; readonly links: number };
}

/** How much of a span is kept. */
export interface SpanLimits {
  readonly maxAttributes: number;
  readonly maxEvents: number;
  readonly maxLinks: number;
  /** Characters of a text; longer ones are cut. */
  readonly maxText: number;
}
