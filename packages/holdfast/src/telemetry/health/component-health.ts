import type { Clock, Timer } from "../../runtime/system.ts";
import { toldError } from "../told-error.ts";
import type { CheckAnswer, ComponentSettings } from "./health-options.ts";

export type ComponentState = "healthy" | "degraded" | "unhealthy" | "unknown";

const maxDetails = 500;

/** How one component is: checks it in its interval, believes a change only when it lasts, and forgets what is old. */
export class ComponentHealth {
  readonly name: string;
  readonly settings: ComponentSettings;
  readonly #clock: Clock;
  readonly #onChange: (component: ComponentHealth, was: ComponentState) => void;
  readonly #closing = new AbortController();
  #state: ComponentState = "unknown";
  #details: string | null = null;
  /** Of those in a row that speak against the state. */
  #contrary = 0;
  #toldAt: number | undefined;
  #checkedAt: number | null = null;
  #timer: Timer | undefined;
  #staleness: Timer | undefined;

  constructor(
    name: string,
    settings: ComponentSettings,
    clock: Clock,
    onChange: (component: ComponentHealth, was: ComponentState) => void,
  ) {
    this.name = name;
    this.settings = settings;
    this.#clock = clock;
    this.#onChange = onChange;
    if (settings.check !== undefined) this.#timer = clock.setTimer(0, () => void this.#check());
  }

  get state(): ComponentState {
    return this.#state;
  }

  get details(): string | null {
    return this.#details;
  }

  /** Milliseconds since 1970; null before the first word. */
  get checkedAt(): number | null {
    return this.#checkedAt;
  }

  /** Believed at once: whoever says so knows. */
  set(state: Exclude<ComponentState, "unknown">, details?: string): void {
    this.#hear();
    this.#contrary = 0;
    this.#become(state, shortened(details));
  }

  close(): void {
    this.#closing.abort(new Error("health is closed"));
    this.#timer?.cancel();
    this.#staleness?.cancel();
  }

  async #check(): Promise<void> {
    const { check, timeoutMs, intervalMs } = this.settings;
    const controller = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    const give = (reason: unknown): void => {
      controller.abort(reason);
      reject(reason);
    };
    const onClose = (): void => give(this.#closing.signal.reason);
    this.#closing.signal.addEventListener("abort", onClose, { once: true });
    const timer = this.#clock.setTimer(timeoutMs, () => give(new Error(`no answer within ${timeoutMs} ms`)));
    try {
      // A check that throws at once, rejects later or never ends: all fail here.
      const asked = (async () => check!({ signal: controller.signal }))();
      const answer = await Promise.race([asked, promise]);
      const { state = "healthy", details } = (
        typeof answer === "object" && answer !== null ? answer : {}
      ) as CheckAnswer;
      this.#answer(state === "degraded" || state === "unhealthy" ? state : "healthy", shortened(details));
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      // Whatever was thrown: reading it must not end the checks.
      this.#answer("unhealthy", shortened(toldError(error).message));
    } finally {
      timer.cancel();
      this.#closing.signal.removeEventListener("abort", onClose);
    }
    if (!this.#closing.signal.aborted) this.#timer = this.#clock.setTimer(intervalMs, () => void this.#check());
  }

  #answer(state: Exclude<ComponentState, "unknown">, details: string | null): void {
    this.#hear();
    const { failureThreshold, successThreshold } = this.settings;
    const wasWell = this.#state === "healthy" || this.#state === "degraded";
    const isWell = state !== "unhealthy";
    // A first word, or a first one after silence, is all there is; degraded and healthy both serve.
    const isContrary = this.#state !== "unknown" && isWell !== wasWell;
    this.#contrary = isContrary ? this.#contrary + 1 : 0;
    if (isContrary && this.#contrary < (wasWell ? failureThreshold : successThreshold)) return;
    this.#contrary = 0;
    this.#become(state, details);
  }

  /** From now on the present word grows old. */
  #hear(): void {
    this.#toldAt = this.#clock.now();
    this.#checkedAt = this.#clock.wallTime();
    const { staleMs } = this.settings;
    if (staleMs === Infinity || this.#staleness !== undefined) return;
    this.#watchStaleness(staleMs);
  }

  /** One timer at a time, however often it is told. */
  #watchStaleness(afterMs: number): void {
    this.#staleness = this.#clock.setTimer(afterMs, () => {
      this.#staleness = undefined;
      const leftMs = this.#toldAt! + this.settings.staleMs - this.#clock.now();
      if (leftMs > 0) return this.#watchStaleness(leftMs);
      this.#contrary = 0;
      this.#become("unknown", `nothing heard for ${Math.round(this.settings.staleMs)} ms`);
    });
  }

  #become(state: ComponentState, details: string | null): void {
    const was = this.#state;
    this.#state = state;
    this.#details = details;
    if (state !== was) this.#onChange(this, was);
  }
}

function shortened(details: unknown): string | null {
  if (typeof details !== "string" || details === "") return null;
  return details.length <= maxDetails ? details : `${details.slice(0, maxDetails - 1)}…`;
}
