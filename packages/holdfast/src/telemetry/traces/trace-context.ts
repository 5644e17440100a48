import { readTraceState } from "./trace-state.ts";

/** Which span of which trace: what goes from one process to another. */
export interface TraceContext {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** Whether whoever began it may have recorded it. */
  readonly sampled: boolean;
  /** Whether the last 56 bits of the trace id are random, so that others may sample by them. */
  readonly random?: boolean;
  /** The `tracestate`: what systems say to themselves along the way; absent when they say nothing. */
  readonly traceState?: string;
  /** It came from another process. */
  readonly isRemote?: boolean;
}

/** Version, trace id, parent id, flags; versions to come may have more after a dash (W3C Trace Context Level 2, 3.2). */
const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const sampledFlag = 1;
const randomFlag = 2;
/** A later version may be longer than the 55 characters of this one, but not without end. */
const maxLength = 512;
const noTrace = "0".repeat(32);
const noSpan = "0".repeat(16);

/**
 * The context in a `traceparent` and its `tracestate`. Undefined for a `traceparent` that breaks a rule, which is to be
 * ignored with its state; a state that breaks one is left out alone. Never throws.
 */
export function parseTraceContext(traceparent: unknown, tracestate?: unknown): TraceContext | undefined {
  if (typeof traceparent !== "string" || traceparent.length > maxLength) return undefined;
  const [, version, traceId, spanId, flags, more] = form.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (traceId === noTrace || spanId === noSpan) return undefined;
  const bits = Number.parseInt(flags, 16);
  const traceState = readTraceState(tracestate);
  return {
    traceId,
    spanId,
    sampled: (bits & sampledFlag) !== 0,
    random: (bits & randomFlag) !== 0,
    ...(traceState === "" ? {} : { traceState }),
    isRemote: true,
  };
}

/** The `traceparent` of a context, in version 00. */
export function formatTraceparent({ traceId, spanId, sampled, random }: TraceContext): string {
  const flags = (sampled ? sampledFlag : 0) | (random === true ? randomFlag : 0);
  return `00-${traceId}-${spanId}-0${flags}`;
}

/** What is sent along with a request, by the names of headers; nothing for no context. */
export function traceHeaders(context: TraceContext | undefined): Readonly<Record<string, string>> {
  if (context === undefined) return {};
  const { traceState } = context;
  const traceparent = formatTraceparent(context);
  return traceState === undefined || traceState === "" ? { traceparent } : { traceparent, tracestate: traceState };
}
