import type { Dispatcher } from "undici";

type Controller = Dispatcher.DispatchController;

/**
 * What the caller steers its request by: one for all attempts. Before there is an answer, an abort ends the call and a
 * pause is remembered; then both go to the attempt whose answer it is.
 */
export class CallController implements Controller {
  readonly #abortion = new AbortController();
  #target: Controller | undefined;
  #paused = false;

  /** Aborted when the caller has given the request up. */
  get signal(): AbortSignal {
    return this.#abortion.signal;
  }

  /** The attempt whose answer the caller gets. */
  set target(target: Controller) {
    this.#target = target;
  }

  get aborted(): boolean {
    return this.signal.aborted || this.#target?.aborted === true;
  }

  get reason(): Error | null {
    return this.signal.aborted ? (this.signal.reason as Error) : (this.#target?.reason ?? null);
  }

  get paused(): boolean {
    return this.#paused;
  }

  get rawHeaders(): NonNullable<Controller["rawHeaders"]> | null {
    return this.#target?.rawHeaders ?? null;
  }

  get rawTrailers(): NonNullable<Controller["rawTrailers"]> | null {
    return this.#target?.rawTrailers ?? null;
  }

  abort(reason: Error): void {
    this.#abortion.abort(reason);
    this.#target?.abort(reason);
  }

  pause(): void {
    this.#paused = true;
    this.#target?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#target?.resume();
  }
}
