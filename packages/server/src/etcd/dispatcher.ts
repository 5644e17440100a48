import { CoordinationError, type Member } from "holdfast/coordination";
import type { Method, MethodCall, RequestLimits } from "./methods.ts";
import { statusOf, type Status } from "./status.ts";
import type { WireMessage } from "./wire-type.ts";

export type Transport = "grpc" | "http";

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
  readonly limits: RequestLimits & { readonly maxConcurrentRequests: number };
  /** Called after every request; must not throw. */
  readonly onEvent?: (event: RequestEvent) => void;
}

/** The one way in for both transports: bounds what is in flight, runs the method, and turns errors into statuses. */
export interface Dispatcher {
  readonly limits: RequestLimits;
  readonly closing: boolean;
  /** Calls one of the callbacks, once; `onFailure` also when `onAnswer` throws, which it may only do before it answers. */
  dispatch(
    transport: Transport,
    method: Method,
    call: MethodCall,
    onAnswer: (message: WireMessage) => void,
    onFailure: (status: Status) => void,
  ): void;
  /** Refuses further requests with STOPPED and resolves when none is in flight. */
  drain(): Promise<void>;
}

export function createDispatcher({ member, limits, onEvent }: DispatcherOptions): Dispatcher {
  let inFlight = 0;
  let drained: (() => void) | undefined;
  let draining: Promise<void> | undefined;

  function tell(transport: Transport, method: Method, startedAt: number, code: number, error?: unknown): void {
    if (onEvent === undefined) return;
    const event = { type: "request", method: method.path, transport, code } as const;
    const durationMs = performance.now() - startedAt;
    onEvent(error === undefined ? { ...event, durationMs } : { ...event, durationMs, error });
  }

  return {
    limits,
    get closing() {
      return draining !== undefined;
    },
    dispatch(transport, method, call, onAnswer, onFailure) {
      const startedAt = onEvent === undefined ? 0 : performance.now();
      const fail = (error: unknown): void => {
        const status = statusOf(error);
        tell(transport, method, startedAt, status.code, error);
        onFailure(status);
      };
      if (draining !== undefined) return fail(new CoordinationError("STOPPED"));
      if (inFlight >= limits.maxConcurrentRequests) return fail(new CoordinationError("TOO_MANY_REQUESTS"));

      inFlight += 1;
      const release = (): void => {
        inFlight -= 1;
        if (inFlight === 0) drained?.();
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
        tell(transport, method, startedAt, 0);
        release();
      };
      let result: Promise<WireMessage> | WireMessage;
      try {
        result = method.call(member, call, limits);
      } catch (error) {
        return refuse(error);
      }
      if (result instanceof Promise) void result.then(answer, refuse);
      else answer(result);
    },
    drain() {
      draining ??= new Promise((resolve) => {
        if (inFlight === 0) resolve();
        else drained = resolve;
      });
      return draining;
    },
  };
}
