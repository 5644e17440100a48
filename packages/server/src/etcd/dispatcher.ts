import { CoordinationError, type Member } from "holdfast/coordination";
import type { Span, Tracer } from "holdfast/telemetry";
import { checkLearner } from "./learner-methods.ts";
import type { Method, MethodCall, RequestLimits, StreamCall, StreamMethod, UnaryMethod } from "./method.ts";
import { okStatus, type Status } from "../grpc/status-code.ts";
import { endRequestSpan, startRequestSpan } from "./request-span.ts";
import { needsRoot, requireRoot } from "./root-methods.ts";
import { startStreamSpan } from "./stream-span.ts";
import { statusOf } from "./status.ts";
import type { WireMessage } from "./wire-type.ts";

/** `holdfast` is the own protocol. */
export type Transport = "grpc" | "http" | "holdfast";

/** How one request ended. `durationMs` is from the decoded request to the encoded answer. */
export interface RequestEvent {
  readonly type: "request";
  readonly method: string;
  readonly transport: Transport;
  /** A gRPC status code, 0 for success. */
  readonly code: number;
  readonly durationMs: number;
  /** What went wrong; absent on success. */
  readonly error?: unknown;
}

export interface DispatcherOptions {
  readonly member: Member;
  readonly limits: RequestLimits & { readonly maxConcurrentRequests: number; readonly maxConcurrentStreams: number };
  /** Called after every request; must not throw. */
  readonly onEvent?: (event: RequestEvent) => void;
  /** Called with the path of every method that is called; must not throw. */
  readonly onStart?: (transport: Transport, method: string) => void;
  /** Gives each request with one answer a span, and each stream until it stands. */
  readonly tracer?: Tracer | undefined;
}

/** The one way in for both transports: bounds what is in flight, runs the method, and turns errors into statuses. */
export interface Dispatcher {
  readonly limits: RequestLimits;
  /** Whether calls are to bring their callers' trace. */
  readonly traces: boolean;
  /** Calls one of the callbacks, once; `onFailure` also when `onAnswer` throws, which it may only do before it answers. */
  dispatch(
    transport: Transport,
    method: UnaryMethod,
    call: MethodCall,
    onAnswer: (message: WireMessage) => void,
    onFailure: (status: Status) => void,
  ): void;
  /** Serves one streaming call; `finish` is called once, when it is over. */
  open(transport: Transport, method: StreamMethod, call: StreamCall, finish: (status: Status) => void): void;
  /**
   * Refuses further requests with STOPPED, ends streaming calls with it, but for those that end by themselves, and resolves
   * when no request is in flight, nor such a call.
   */
  drain(): Promise<void>;
}

export function createDispatcher({ member, limits, onEvent, onStart, tracer }: DispatcherOptions): Dispatcher {
  let inFlight = 0;
  /** Ends each streaming call that is under way; whether it would end by itself. */
  const streams = new Map<() => void, boolean>();
  let drained: (() => void) | undefined;
  let draining: Promise<void> | undefined;

  function endDrain(): void {
    if (inFlight === 0 && streams.size === 0) drained?.();
  }

  /** Within the request's span, so that what is told names its trace. */
  function tellIn(span: Span | undefined, ...what: Parameters<typeof tell>): void {
    if (span === undefined) tell(...what);
    else tracer?.run(span, () => tell(...what));
  }

  function tell(transport: Transport, method: Method, startedAt: number, code: number, error?: unknown): void {
    if (onEvent === undefined) return;
    const event = { type: "request", method: method.path, transport, code } as const;
    const durationMs = performance.now() - startedAt;
    onEvent(error === undefined ? { ...event, durationMs } : { ...event, durationMs, error });
  }

  return {
    limits,
    traces: tracer !== undefined,
    dispatch(transport, method, call, onAnswer, onFailure) {
      onStart?.(transport, method.path);
      const startedAt = onEvent === undefined ? 0 : performance.now();
      const span = tracer && startRequestSpan(tracer, method.path, transport, call.trace);
      const fail = (error: unknown): void => {
        const status = statusOf(error);
        if (span !== undefined) endRequestSpan(span, status);
        tellIn(span, transport, method, startedAt, status.code, error);
        onFailure(status);
      };
      if (draining !== undefined) return fail(new CoordinationError("STOPPED"));
      if (inFlight >= limits.maxConcurrentRequests) return fail(new CoordinationError("TOO_MANY_REQUESTS"));

      inFlight += 1;
      const release = (): void => {
        inFlight -= 1;
        endDrain();
      };
      const refuse = (error: unknown): void => {
        fail(error);
        release();
      };
      const answer = (message: WireMessage): void => {
        try {
          onAnswer(message);
        } catch (error) {
          return refuse(error);
        }
        if (span !== undefined) endRequestSpan(span, okStatus);
        tellIn(span, transport, method, startedAt, 0);
        release();
      };
      let result: Promise<WireMessage> | WireMessage;
      try {
        checkLearner(member, method.path, call.message);
        const run = (): Promise<WireMessage> | WireMessage =>
          needsRoot(method.path, call.message)
            ? requireRoot(member, method.path, call.options).then(() => method.call(member, call, limits))
            : method.call(member, call, limits);
        result = tracer === undefined ? run() : tracer.run(span, run);
      } catch (error) {
        return refuse(error);
      }
      if (result instanceof Promise) void result.then(answer, refuse);
      else answer(result);
    },
    open(transport, method, call, finish) {
      onStart?.(transport, method.path);
      const startedAt = onEvent === undefined ? 0 : performance.now();
      let isOver = false;
      const end = (error?: unknown): void => {
        if (isOver) return;
        isOver = true;
        streams.delete(stop);
        endDrain();
        const status = error === undefined ? okStatus : statusOf(error);
        span?.end(status);
        tell(transport, method, startedAt, status.code, error);
        finish(status);
      };
      const stop = (): void => end(new CoordinationError("STOPPED"));
      const span = tracer && startStreamSpan(tracer, method, transport, call);
      if (draining !== undefined) return stop();
      if (streams.size >= limits.maxConcurrentStreams) return end(new CoordinationError("TOO_MANY_REQUESTS"));
      streams.set(stop, method.endsByItself === true);
      try {
        checkLearner(member, method.path);
      } catch (error) {
        return end(error);
      }
      const admitted = needsRoot(method.path) ? requireRoot(member, method.path, call.options) : undefined;
      const serve = async (): Promise<void> => {
        // Stopped, it may be over before it has begun.
        if (isOver) return;
        if (span === undefined) await method.serve(member, call, limits);
        else await span.run((spanned) => method.serve(member, spanned, limits));
      };
      (admitted?.then(serve) ?? serve()).then(() => end(), end);
    },
    drain() {
      draining ??= new Promise((resolve) => (drained = resolve));
      for (const [stop, endsByItself] of streams) if (!endsByItself) stop();
      endDrain();
      return draining;
    },
  };
}
