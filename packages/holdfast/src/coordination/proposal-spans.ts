import type { NodeId, ProposalObserver } from "../consensus/index.ts";
import { formatTraceparent, parseTraceContext, type Span, type TraceContext, type Tracer } from "../telemetry/index.ts";

/** Spans of writes on their way through the log: when each was proposed, in the log, on disk, committed, applied. */
export interface ProposalSpans extends ProposalObserver {
  /** Of a write that waits here, inside the span that is current for whoever writes. */
  begin(command: Uint8Array): void;
  /** It may be lost, and is proposed once more. */
  again(command: Uint8Array): void;
  /** It was applied here. */
  applied(command: Uint8Array): void;
  /** Nobody waits for it any more. */
  abandoned(command: Uint8Array, error: unknown): void;
  /** Called from time to time: gives up what followers have forwarded and has come to nothing. */
  tick(now: number): void;
  close(error: Error): void;
}

export interface ProposalSpansOptions {
  readonly tracer: Pick<Tracer, "startSpan">;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly nameOf: (member: NodeId) => string;
}

/** A write that another member waits for, and this one leads it through the log. */
interface Forwarded {
  readonly span: Span;
  readonly since: number;
}

/** Whoever waits for one has given it up by then. */
const forwardedMs = 30_000;

export function proposalSpans({ tracer, now, nameOf }: ProposalSpansOptions): ProposalSpans {
  const own = new Map<Uint8Array, Span>();
  /** In order of arrival. */
  const forwarded = new Map<Uint8Array, Forwarded>();

  const start = (
    command: Uint8Array,
    place: { readonly from: NodeId; readonly parent: TraceContext } | undefined,
  ): Span =>
    tracer.startSpan("raft proposal", {
      ...(place === undefined ? {} : { kind: "server", parent: place.parent }),
      attributes: {
        "holdfast.command_bytes": command.length,
        "raft.forwarded_by": place && nameOf(place.from),
      },
    });
  const take = (command: Uint8Array): Span | undefined => {
    const span = own.get(command);
    own.delete(command);
    return span;
  };
  const endForwarded = (command: Uint8Array, span: Span, failure?: string | Error): void => {
    forwarded.delete(command);
    if (typeof failure === "string") span.setStatus({ code: "error", message: failure });
    else if (failure !== undefined) span.fail(failure);
    span.end();
  };

  return {
    begin(command) {
      const span = start(command, undefined);
      if (span.isRecording) own.set(command, span);
    },
    again: (command) => own.get(command)?.addEvent("proposed again"),
    applied(command) {
      const span = take(command);
      span?.addEvent("applied");
      span?.end();
    },
    abandoned(command, error) {
      const span = take(command);
      span?.fail(error);
      span?.end();
    },
    follows: (command) => own.has(command) || forwarded.has(command),
    noteOf(command) {
      const span = own.get(command);
      return span && noteOf(span);
    },
    onNote(command, note, from) {
      const parent = contextOf(note);
      if (parent === undefined) return;
      const span = start(command, { from, parent });
      if (span.isRecording) forwarded.set(command, { span, since: now() });
    },
    onStage(command, stage, index, member) {
      const isOwn = own.has(command);
      const span = own.get(command) ?? forwarded.get(command)?.span;
      if (span === undefined) return;
      if (index > 0) span.setAttribute("raft.index", index);
      // Of what waits here, whoever waits says so.
      if (isOwn && stage === "applied") return;
      span.addEvent(stage, member === 0 ? undefined : { "raft.member": nameOf(member) });
      if (isOwn) return;
      if (stage === "applied") endForwarded(command, span);
      else if (stage === "dropped" || stage === "lost") endForwarded(command, span, stage);
    },
    tick(time) {
      for (const [command, { span, since }] of forwarded) {
        if (time - since < forwardedMs) return;
        endForwarded(command, span, `not applied within ${forwardedMs} ms`);
      }
    },
    close(error) {
      for (const [command, { span }] of forwarded) endForwarded(command, span, error);
    },
  };
}

/** Of a trace that nobody records the leader need not know. */
function noteOf(span: Span): string | undefined {
  if (!span.sampled) return undefined;
  const traceparent = formatTraceparent(span);
  return span.traceState === undefined ? traceparent : `${traceparent} ${span.traceState}`;
}

function contextOf(note: string): TraceContext | undefined {
  const at = note.indexOf(" ");
  return at < 0 ? parseTraceContext(note) : parseTraceContext(note.slice(0, at), note.slice(at + 1));
}
