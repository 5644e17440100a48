import type { OnProposal } from "../consensus/index.ts";
import type { Span, Tracer } from "../telemetry/index.ts";

/** Spans of the writes that wait for their entries: when each was proposed, in the log, on disk, committed, applied. */
export interface ProposalSpans {
  /** Inside the span that is current for whoever writes. */
  begin(command: Uint8Array): void;
  /** It may be lost, and is proposed once more. */
  again(command: Uint8Array): void;
  /** It was applied here. */
  applied(command: Uint8Array): void;
  /** Nobody waits for it any more. */
  abandoned(command: Uint8Array, error: unknown): void;
  readonly onProposal: OnProposal;
}

export function proposalSpans(tracer: Pick<Tracer, "startSpan">): ProposalSpans {
  const spans = new Map<Uint8Array, Span>();
  const take = (command: Uint8Array): Span | undefined => {
    const span = spans.get(command);
    spans.delete(command);
    return span;
  };
  return {
    begin(command) {
      spans.set(
        command,
        tracer.startSpan("raft proposal", { attributes: { "holdfast.command_bytes": command.length } }),
      );
    },
    again: (command) => spans.get(command)?.addEvent("proposed again"),
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
    onProposal(command, stage, index) {
      const span = spans.get(command);
      if (index > 0) span?.setAttribute("raft.index", index);
      span?.addEvent(stage);
    },
  };
}
