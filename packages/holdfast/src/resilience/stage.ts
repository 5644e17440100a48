import { InvalidArgumentError } from "../errors/index.ts";
import { Call } from "./call.ts";
import type { ExecuteOptions, Operation, Policy } from "./policy.ts";

/** What comes after a stage: the next stage, or the operation. Never throws: a failure is a rejected promise. */
export type Next = (call: Call) => Promise<unknown>;

/** How a policy takes part in an execution. `run` never throws; it may return the promise of `next` itself. */
export interface Stage {
  run(call: Call, next: Next): Promise<unknown>;
}

/** Under this key a policy carries its stage, so that pipelines call it without a promise of its own in between. */
export const stageOf: unique symbol = Symbol("holdfast.stage");

export interface Staged {
  readonly [stageOf]: Stage;
}

/** Makes a policy of a stage. */
export function policyOf<Fallback>(stage: Stage): Policy<Fallback> & Staged {
  const policy: Policy<Fallback> & Staged = {
    [stageOf]: stage,
    execute<T>(operation: Operation<T>, options?: ExecuteOptions): Promise<T | Fallback> {
      return execute(stage, operation, options) as Promise<T | Fallback>;
    },
    wrap:
      (fn) =>
      (...args) =>
        policy.execute(() => fn(...args)),
  };
  return policy;
}

function execute(stage: Stage, operation: Operation<unknown>, options: ExecuteOptions | undefined): Promise<unknown> {
  if (typeof operation !== "function") {
    return Promise.reject(new InvalidArgumentError("execute.operation", "must be a function", operation));
  }
  const signal = options?.signal;
  if (signal === undefined) return stage.run(new Call(operation, undefined, false, 1), invoke);
  if (signal.aborted) return Promise.reject(signal.reason);
  return unlessAborted(stage.run(new Call(operation, signal, false, 1), invoke), signal);
}

/** Calls the operation; whatever it does becomes a promise. */
export const invoke: Next = (call) => {
  try {
    const result = call.operation(call);
    return result instanceof Promise ? result : Promise.resolve(result);
  } catch (error) {
    return Promise.reject(error);
  }
};

/** The caller's abort wins over everything that is waited for. */
function unlessAborted(result: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    result.then(
      (value) => {
        signal.removeEventListener("abort", onAbort);
        resolve(value);
        return undefined;
      },
      (error: unknown) => {
        signal.removeEventListener("abort", onAbort);
        reject(error as Error);
      },
    );
  });
}
