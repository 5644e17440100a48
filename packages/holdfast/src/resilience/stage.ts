import { InvalidArgumentError } from "../errors/base.ts";
import { addAbortListener, removeAbortListener } from "./abort-listeners.ts";
import { Call } from "./call.ts";
import { discardResult } from "./discard-result.ts";
import type { PolicyDescription } from "./policy-description.ts";
import type { ExecuteOptions, Operation, Policy } from "./policy.ts";

/** What comes after a stage: the next stage, or the operation. Never throws: a failure is a rejected promise. */
export type Next = (call: Call) => Promise<unknown>;

/** How a policy takes part in an execution. `run` never throws; it may return the promise of `next` itself. */
export interface Stage {
  run(call: Call, next: Next): Promise<unknown>;
}

/** Under this key a policy carries its stage, so that pipelines call it without a promise of its own in between. */
export const stageOf: unique symbol = Symbol("holdfast.stage");

/** Under this key a policy describes itself; a pipeline lists its policies there, outermost first. */
export const descriptionOf: unique symbol = Symbol("holdfast.description");

export interface Staged {
  readonly [stageOf]: Stage;
  readonly [descriptionOf]?: PolicyDescription | readonly Policy<unknown>[];
}

/** Makes a policy of a stage; `description` is what `explain` says of it. */
export function policyOf<Fallback>(
  stage: Stage,
  description?: Staged[typeof descriptionOf],
): Policy<Fallback> & Staged {
  return {
    [stageOf]: stage,
    ...(description === undefined ? {} : { [descriptionOf]: description }),
    execute<T>(operation: Operation<T>, options?: ExecuteOptions): Promise<T | Fallback> {
      return execute(stage, operation, options) as Promise<T | Fallback>;
    },
    wrap<Arguments extends readonly unknown[], T>(fn: (...args: Arguments) => PromiseLike<T> | T) {
      if (typeof fn !== "function") throw new InvalidArgumentError("wrap.fn", "must be a function", fn);
      // A method keeps its object.
      return function (this: unknown, ...args: Arguments): Promise<T | Fallback> {
        const call = new Call(() => Reflect.apply<unknown, Arguments, unknown>(fn, this, args), undefined, 1);
        return stage.run(call, invoke) as Promise<T | Fallback>;
      };
    },
  };
}

function execute(stage: Stage, operation: Operation<unknown>, options: ExecuteOptions | undefined): Promise<unknown> {
  if (typeof operation !== "function") {
    return rejected(new InvalidArgumentError("execute.operation", "must be a function", operation));
  }
  const signal = options?.signal;
  if (signal === undefined) return stage.run(new Call(operation, undefined, 1, options), invoke);
  if (signal.aborted) return rejected(signal.reason);
  return unlessAborted(stage.run(new Call(operation, signal, 1, options), invoke), signal);
}

const settled = Promise.resolve();

/**
 * A promise that is rejected in the next microtask, when its caller has attached handlers. One that is rejected at once
 * is first reported to the platform as unhandled and then as handled, which costs more than all the rest of a rejection.
 */
export function rejected(reason: unknown): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  void settled.then(() => reject(reason));
  return promise;
}

/** Calls the operation; whatever it does becomes a promise. */
export const invoke: Next = (call) => {
  try {
    const result = call.operation(call);
    return result instanceof Promise ? result : Promise.resolve(result);
  } catch (error) {
    return rejected(error);
  }
};

/** The caller's abort wins over everything that is waited for. */
function unlessAborted(result: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    // The operation itself may have aborted it by now.
    if (signal.aborted) onAbort();
    else addAbortListener(signal, onAbort);
    result.then(
      (value) => {
        removeAbortListener(signal, onAbort);
        if (signal.aborted) discardResult(value);
        else resolve(value);
        return undefined;
      },
      (error: unknown) => {
        removeAbortListener(signal, onAbort);
        reject(error);
      },
    );
  });
}
