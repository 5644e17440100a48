import type { Tracer } from "holdfast/telemetry";
import { okStatus, type Status } from "../grpc/status-code.ts";
import type { StreamCall, StreamMethod } from "./method.ts";
import { endRequestSpan, startRequestSpan } from "./request-span.ts";

/** The span of a streaming call. */
export interface StreamSpan {
  /** Serves the call. */
  run(serve: (call: StreamCall) => Promise<void>): Promise<void>;
  /** The call is over. Nothing, when the span is. */
  end(status: Status): void;
}

/**
 * A call that ends by itself, or waits for its one answer, is served in its span. Any other (a watch, say) may go on for
 * months: its span is of the time until its first answer, and what is told later belongs to no trace.
 */
export function startStreamSpan(tracer: Tracer, method: StreamMethod, transport: string, call: StreamCall): StreamSpan {
  const span = startRequestSpan(tracer, method.path, transport, call.trace);
  let isOver = false;
  const end = (status: Status): void => {
    if (isOver) return;
    isOver = true;
    endRequestSpan(span, status);
  };
  const isFinite = method.endsByItself === true || method.isSingle === true;
  return {
    run: (serve) => (isFinite ? tracer.run(span, () => serve(call)) : serve(untilAnswered(call, () => end(okStatus)))),
    end,
  };
}

function untilAnswered(call: StreamCall, onAnswer: () => void): StreamCall {
  const { sendFramed } = call;
  return {
    ...call,
    send(message) {
      onAnswer();
      return call.send(message);
    },
    ...(sendFramed === undefined
      ? {}
      : {
          sendFramed(run) {
            onAnswer();
            return sendFramed(run);
          },
        }),
  };
}
