import { checkFunction, checkOptionNames } from "../errors/base.ts";
import type { AnyFailure } from "../errors/index.ts";
import { bulkhead, type BulkheadOptions, type BulkheadPolicy } from "./bulkhead.ts";
import type { CircuitBreakerOptions } from "./breaker-options.ts";
import { circuitBreaker, type CircuitBreaker } from "./circuit-breaker.ts";
import type { ErrorStrategy } from "./error-strategy.ts";
import { pipeline } from "./pipeline.ts";
import type { CallContext, ExecuteOptions, Operation, Policy } from "./policy.ts";
import { retry, type RetryPolicy } from "./retry.ts";
import type { RetryOptions } from "./retry-options.ts";
import { isRejection } from "./retryable.ts";
import { timeout, type TimeoutOptions, type TimeoutPolicy } from "./timeout.ts";

/** How an operation is protected; what is left out has the policies' own defaults. */
export interface OperationRules {
  readonly retry?: Omit<RetryOptions, "retryOn" | "retryRejections">;
  readonly circuitBreaker?: Omit<CircuitBreakerOptions, "isFailure" | "ignore">;
  /** Where it is confined after a failure whose strategy is `bulkhead`. */
  readonly bulkhead?: BulkheadOptions;
  /** What it is held to after a failure whose strategy is `timeout`. */
  readonly timeout?: TimeoutOptions;
  /** Answers for it; must give what the operation gives. Default: nothing does. */
  readonly fallback?: (failure: AnyFailure, context: CallContext) => unknown;
}

/** What an operation's policies ask about the failures they see. */
export interface Judge {
  /** The strategy for an error; `triesLeft` is false for what is to be done when the tries are used up. */
  strategyOf(error: unknown, triesLeft: boolean): ErrorStrategy;
  failureOf(error: unknown): AnyFailure;
}

/** One operation's policies, and which of them hold it now. */
export class GuardedOperation {
  readonly retry: RetryPolicy;
  readonly circuitBreaker: CircuitBreaker;
  readonly bulkhead: BulkheadPolicy;
  readonly timeout: TimeoutPolicy;
  readonly fallback: OperationRules["fallback"];
  /** Whether it runs inside the bulkhead. */
  confined = false;
  /** Whether it runs under the time limit. */
  limited = false;
  readonly #tries: Policy;

  constructor(name: string, rules: OperationRules, judge: Judge) {
    this.retry = retry({ name, ...rules.retry, retryOn: (error) => judge.strategyOf(error, true) === "retry" });
    this.circuitBreaker = circuitBreaker({
      name,
      ...rules.circuitBreaker,
      isFailure: (error) => judge.strategyOf(error, false) === "circuitBreaker",
      // Only a refusal by the rules shows that the other side is well; of the rest nothing is known.
      ignore: (error) =>
        isRejection(error) ||
        (judge.strategyOf(error, false) !== "circuitBreaker" && judge.failureOf(error).kind !== "business"),
    });
    this.bulkhead = bulkhead({ name, ...rules.bulkhead });
    this.timeout = timeout({ name, ...rules.timeout });
    this.fallback = rules.fallback;
    this.#tries = pipeline(this.retry, this.circuitBreaker);
  }

  async run<T>(operation: Operation<T>, options: ExecuteOptions): Promise<T> {
    const value = await this.#tries.execute((context) => this.#try(operation, context, options), options);
    this.confined = false;
    this.limited = false;
    return value;
  }

  #try<T>(operation: Operation<T>, { signal, attempt }: CallContext, options: ExecuteOptions): PromiseLike<T> | T {
    const { bulkhead, timeout } = this;
    const run = (inner: AbortSignal): PromiseLike<T> | T =>
      this.limited
        ? timeout.execute((context) => operation({ signal: context.signal, attempt }), { signal: inner })
        : operation({ signal: inner, attempt });
    return this.confined ? bulkhead.execute((context) => run(context.signal), { ...options, signal }) : run(signal);
  }
}

/** @throws InvalidArgumentError */
export function checkOperationRules(name: string, rules: OperationRules): void {
  checkOptionNames(name, rules, ["retry", "circuitBreaker", "bulkhead", "timeout", "fallback"]);
  checkFunction(`${name}.fallback`, rules.fallback);
}
