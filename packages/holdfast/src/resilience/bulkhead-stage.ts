import { checkInteger } from "../errors/base.ts";
import { systemClock, takeContext, type Clock, type WorkContext } from "../runtime/system.ts";
import { BulkheadClosedError, BulkheadFullError, BulkheadWaitTimeoutError } from "./bulkhead-error.ts";
import type { BulkheadEvent, BulkheadLimits, BulkheadOptions, BulkheadPermit } from "./bulkhead.ts";
import { Call } from "./call.ts";
import { hears, publish } from "./policy-event.ts";
import { rejected, type Next, type Stage } from "./stage.ts";
import { WheelTimer, wheelOf, type TimerWheel } from "./timer-wheel.ts";
import { WaitQueue, type Waiting } from "./wait-queue.ts";

/** The permits, who has them, and who waits for one. */
export class BulkheadStage implements Stage {
  limits: BulkheadLimits;
  active = 0;
  closed = false;
  rejected = 0;
  waitTimeouts = 0;
  readonly queue: WaitQueue<Waiter> = new WaitQueue();
  readonly wheel: TimerWheel;
  readonly name: string;
  readonly #clock: Clock;
  readonly #holdUntilSettled: boolean;
  readonly #onEvent: ((event: BulkheadEvent) => void) | undefined;
  /** Given to every promise that holds a permit; a promise settles once, so a permit comes back once. */
  readonly #onSettled = (): void => this.release();

  constructor(limits: BulkheadLimits, options: BulkheadOptions) {
    this.limits = limits;
    this.name = options.name ?? "";
    this.#clock = options.clock ?? systemClock;
    this.wheel = wheelOf(this.#clock);
    this.#holdUntilSettled = options.holdUntilSettled ?? false;
    this.#onEvent = options.onEvent;
  }

  run(call: Call, next: Next): Promise<unknown> {
    if (this.active >= this.limits.maxConcurrent || this.closed) return this.#wait(call, next);
    this.active++;
    return this.start(call, next);
  }

  /** Runs a call that has a permit, and takes the permit back when it is over. */
  start(call: Call, next: Next): Promise<unknown> {
    if (this.#holdUntilSettled) return this.#hold(call, next);
    const result = next(call);
    result.then(this.#onSettled, this.#onSettled);
    return result;
  }

  tryAcquire(): BulkheadPermit | undefined {
    if (this.active >= this.limits.maxConcurrent || this.closed) return undefined;
    this.active++;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      this.release();
    };
    return { release, [Symbol.dispose]: release };
  }

  release(): void {
    this.active--;
    if (this.queue.size > 0) this.grant();
  }

  /** Gives free permits to those who wait. */
  grant(): void {
    while (this.active < this.limits.maxConcurrent) {
      const waiter = this.queue.take();
      if (waiter === undefined) return;
      // Its own abort may be still on its way to it, behind the abort that freed this permit.
      if (waiter.call.aborted) waiter.fail(waiter.call.reason);
      else {
        this.active++;
        waiter.go();
      }
    }
  }

  close(): void {
    this.closed = true;
    for (let waiter = this.queue.take(); waiter !== undefined; waiter = this.queue.take()) {
      waiter.fail(new BulkheadClosedError(this.name));
    }
  }

  onWaitTimeout(waiter: Waiter): void {
    if (!this.queue.remove(waiter)) return;
    this.waitTimeouts++;
    waiter.fail(new BulkheadWaitTimeoutError(this.name, waiter.maxWaitMs));
    this.#tell("bulkheadWaitTimeout");
  }

  #wait(call: Call, next: Next): Promise<unknown> {
    if (this.closed) return rejected(new BulkheadClosedError(this.name));
    if (call.aborted) return rejected(call.reason);
    const { maxConcurrent, maxQueue, maxWaitMs } = this.limits;
    const { priority = 0, key = "" } = call.options ?? {};
    if (priority !== 0) {
      try {
        checkInteger("execute.priority", priority, Number.MIN_SAFE_INTEGER);
      } catch (error) {
        return rejected(error);
      }
    }
    if (this.queue.size >= maxQueue) {
      this.rejected++;
      this.#tell("bulkheadRejected");
      return rejected(new BulkheadFullError(this.name, maxConcurrent, maxQueue));
    }
    const result = new Promise((resolve, reject) => {
      this.queue.add(new Waiter(this, call, next, priority, key, maxWaitMs, resolve, reject));
    });
    this.#tell("bulkheadQueued");
    return result;
  }

  /** The permit stays out until everything that was started under it has ended, also what its call gave up. */
  #hold(call: Call, next: Next): Promise<unknown> {
    let open = 1;
    let held = true;
    const settled = (): void => {
      open--;
      if (open > 0 || !held) return;
      held = false;
      this.release();
    };
    const inside = new Call(
      (context) => {
        open++;
        let result;
        try {
          result = call.operation(context);
        } catch (error) {
          open--;
          throw error;
        }
        const promise = Promise.resolve(result);
        promise.then(settled, settled);
        return promise;
      },
      call,
      call.attempt,
      call.options,
    );
    const result = next(inside);
    result.then(settled, settled);
    return result;
  }

  #tell(type: BulkheadEvent["type"]): void {
    if (!hears(this.#onEvent, type)) return;
    publish<BulkheadEvent>(this.#onEvent, {
      type,
      at: this.#clock.wallTime(),
      policy: this.name,
      active: this.active,
      waiting: this.queue.size,
    });
  }
}

/** A call in the queue: its own timer, and its own place. */
class Waiter extends WheelTimer implements Waiting {
  readonly priority: number;
  readonly key: string;
  readonly call: Call;
  readonly maxWaitMs: number;
  line: Waiting["line"] = undefined;
  ahead: Waiting | undefined = undefined;
  behind: Waiting | undefined = undefined;
  readonly #stage: BulkheadStage;
  readonly #next: Next;
  /** Another call's end lets this one go on. */
  readonly #context: WorkContext = takeContext();
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #unlisten: (() => void) | undefined;

  constructor(
    stage: BulkheadStage,
    call: Call,
    next: Next,
    priority: number,
    key: string,
    maxWaitMs: number,
    resolve: (value: unknown) => void,
    reject: (reason: unknown) => void,
  ) {
    super();
    this.#stage = stage;
    this.call = call;
    this.#next = next;
    this.priority = priority;
    this.key = key;
    this.maxWaitMs = maxWaitMs;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#unlisten = call.onAbort(() => {
      if (stage.queue.remove(this)) this.fail(call.reason);
    });
    stage.wheel.start(this, maxWaitMs);
  }

  override expire(): void {
    this.#stage.onWaitTimeout(this);
  }

  go(): void {
    this.#leave();
    this.#resolve(this.#context.runInAsyncScope(() => this.#stage.start(this.call, this.#next)));
  }

  fail(reason: unknown): void {
    this.#leave();
    this.#reject(reason);
  }

  #leave(): void {
    this.#stage.wheel.stop(this);
    this.#unlisten?.();
  }
}
