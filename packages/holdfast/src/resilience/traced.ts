import { checkOneOf, checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import { Call } from "./call.ts";
import type { CallContext, ExecuteOptions, Operation, Policy } from "./policy.ts";
import { policyOf, type Next } from "./stage.ts";

/** The part of a span that is used. */
export interface CallSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  addEvent(name: string): void;
  fail(error: unknown): void;
  end(): void;
}

/** The part of a tracer that is used: one of `createTracer` in `holdfast/telemetry`, or of OpenTelemetry's adapter. */
export interface CallTracer {
  startSpan(
    name: string,
    options: {
      readonly kind: "internal" | "client" | "producer";
      readonly parent?: CallSpan | undefined;
      readonly attributes: { readonly "holdfast.attempt": number };
    },
  ): CallSpan;
  run<R>(span: CallSpan | undefined, work: () => R): R;
}

export interface TracedOptions {
  readonly tracer: CallTracer;
  /** Of the spans. */
  readonly name: string;
  /** Default `internal`; `client` where each attempt is a request that carries no span of its own. */
  readonly kind?: "internal" | "client" | "producer";
}

/** Under this key the options of inner calls carry the span around them. */
const around: unique symbol = Symbol("holdfast.traced");

interface TracedCallOptions extends ExecuteOptions {
  readonly [around]?: { readonly span: CallSpan; readonly tracer: unknown };
}

/** The call whose operation is being entered: of several spans around it the innermost, which comes first, is current. */
let entering: { readonly context: CallContext; readonly tracer: unknown } | undefined;

/**
 * Gives each call a span, in which the operation runs. Where it stands in a pipeline is what the span covers: outermost
 * the whole call with its waits, innermost each try. A failure is the span's status; one that nobody waits for any more
 * has an event `abandoned`.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const stock = pipeline(traced({ tracer, name: "stock" }), retry(), traced({ tracer, name: "stock try" }));
 */
export function traced(options: TracedOptions): Policy {
  checkOptionNames("traced", options, ["tracer", "name", "kind"]);
  const { tracer, name, kind = "internal" } = options;
  if (typeof tracer?.startSpan !== "function" || typeof tracer.run !== "function") {
    throw new InvalidArgumentError("traced.tracer", "must have startSpan and run", tracer);
  }
  if (typeof name !== "string" || name === "" || name.length > 256) {
    throw new InvalidArgumentError("traced.name", "must be 1 to 256 characters", name);
  }
  checkOneOf("traced.kind", kind, ["internal", "client", "producer"]);

  const run = (call: Call, next: Next): Promise<unknown> => {
    const given: TracedCallOptions | undefined = call.options;
    const outer = given?.[around];
    const span = tracer.startSpan(name, {
      kind,
      // The tracer's current span may be another call's by now: hedges, for one, begin when a shared timer fires.
      ...(outer?.tracer === tracer ? { parent: outer.span } : {}),
      attributes: { "holdfast.attempt": call.attempt },
    });
    const { operation } = call;
    // Also of what a shared timer or another call's end begins, the operation belongs to this span.
    const inSpan: Operation<unknown> = (context) => {
      if (entering?.context === context && entering.tracer === tracer) return operation(context);
      const before = entering;
      entering = { context, tracer };
      try {
        return tracer.run(span, () => operation(context));
      } finally {
        entering = before;
      }
    };
    const carried: TracedCallOptions = { ...call.options, [around]: { span, tracer } };
    const inner = new Call(inSpan, call, call.attempt, carried);
    const result = tracer.run(span, () => next(inner));
    follow(call, result, span);
    return result;
  };
  return policyOf<never>({ run }, { kind: "traced", name });
}

function follow(call: Call, result: Promise<unknown>, span: CallSpan): void {
  const succeeded = (): undefined => {
    span.end();
    return undefined;
  };
  const failed = (error: unknown): void => {
    span.fail(error);
    span.end();
  };
  if (!call.abortable) {
    result.then(succeeded, failed);
    return;
  }
  // One whose operation never ends is over when nobody waits for it any more.
  const unlisten = call.onAbort(() => {
    span.addEvent("abandoned");
    span.end();
  });
  result.then(
    () => {
      unlisten?.();
      return succeeded();
    },
    (error: unknown) => {
      unlisten?.();
      failed(error);
    },
  );
}
