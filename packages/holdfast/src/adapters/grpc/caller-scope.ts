import type { EventEmitter } from "node:events";
import type { InterceptorOptions, Metadata } from "@grpc/grpc-js";
import { systemClock, type Timer } from "../../runtime/system.ts";
import { GrpcStatusError } from "./grpc-status-error.ts";
import { localStatus } from "./local-status.ts";
import { grpcCode, type GrpcCode } from "./status-code.ts";

/** What a call takes over from the one that its server is just serving (`propagate_flags`); the client's default is all. */
const inherits = { deadline: 1, cancellation: 8 } as const;

/** By how much a timer's end may come before the wall clock's: the client's own timer says that the deadline has passed. */
const earlyMs = 2;

/**
 * What may end a call from outside, whatever its policies wait for: the caller's cancellation, its deadline, and those of
 * the call it is made for. An attempt under way keeps the deadline by itself; in between nobody else does.
 */
export class CallerScope {
  readonly #controller = new AbortController();
  readonly #path: string;
  readonly #sent: Metadata;
  readonly #deadline: number;
  readonly #timer: Timer | undefined;
  readonly #parent: EventEmitter | undefined;
  #running = 0;
  /** The attempt that kept the deadline has just said so, in the turn in which the timer here fires too. */
  #isEnding = false;
  readonly #onParentCancelled = (): void => this.cancel(grpcCode.cancelled, "Cancelled by parent call");

  constructor(path: string, options: InterceptorOptions, sent: Metadata) {
    this.#path = path;
    this.#sent = sent;
    const { parent, propagate_flags: flags = inherits.deadline | inherits.cancellation } = options;
    const inherited = parent === undefined || (flags & inherits.deadline) === 0 ? undefined : parent.getDeadline();
    this.#deadline = Math.min(timeOf(options.deadline), timeOf(inherited));
    if (this.#deadline !== Infinity) {
      const leftMs = Math.max(0, this.#deadline - systemClock.wallTime());
      this.#timer = systemClock.setTimer(leftMs, () => {
        if (this.#running === 0 && !this.#isEnding) this.#expire();
      });
    }
    if (parent !== undefined && (flags & inherits.cancellation) !== 0) {
      this.#parent = parent;
      this.#parent.on("cancelled", this.#onParentCancelled);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get expired(): boolean {
    return systemClock.wallTime() >= this.#deadline - earlyMs;
  }

  cancel(code: GrpcCode, details: string): void {
    const status = localStatus(code, details, this.#sent);
    this.#abort(new GrpcStatusError({ path: this.#path, status, retryable: false }));
  }

  attemptBegan(): void {
    this.#running++;
  }

  attemptEnded(failure: GrpcStatusError | undefined): void {
    this.#running--;
    // Policies must see the failure before the abort, which would hide it from them.
    if (failure === undefined || this.#running > 0 || !this.expired) return;
    this.#isEnding = true;
    systemClock.defer(() => this.#abort(failure));
  }

  /** Lets go of the timer and of the call around. */
  end(): void {
    this.#timer?.cancel();
    this.#parent?.removeListener("cancelled", this.#onParentCancelled);
  }

  #expire(): void {
    this.cancel(grpcCode.deadlineExceeded, "Deadline exceeded between attempts");
  }

  #abort(reason: GrpcStatusError): void {
    this.#controller.abort(reason);
  }
}

function timeOf(deadline: Date | number | undefined): number {
  return deadline === undefined ? Infinity : Number(deadline);
}
