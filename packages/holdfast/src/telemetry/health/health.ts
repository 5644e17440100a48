import { checkNumber, checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { Clock } from "../../runtime/system.ts";
import type { HealthState, HealthView } from "../view/service-report.ts";
import { ComponentHealth, type ComponentState } from "./component-health.ts";
import { RequestsInFlight } from "./requests-in-flight.ts";
import {
  checkComponent,
  checkComponentName,
  checkHealthOptions,
  type ComponentOptions,
  type HealthEvent,
  type HealthOptions,
  type HealthSettings,
} from "./health-options.ts";

export interface DrainOptions {
  /** How long requests in flight may take. Default 30 000 ms. */
  readonly timeoutMs?: number;
  /**
   * How long it goes on taking requests while it already says that it is not ready: until those who send them have
   * noticed. Default 0; some seconds behind a balancer that asks.
   */
  readonly graceMs?: number;
}

/** How a drain ended. */
export interface Drained {
  /** Requests that were in flight still when the time was over. */
  readonly left: number;
}

/**
 * How a service is: alive (else restart it), ready (else send it nothing), started (else wait). Healthy when all
 * components are, degraded when an optional one is not, unhealthy when a critical one is not.
 */
export interface Health extends AsyncDisposable {
  readonly state: HealthState;
  /** False only after `failed`: a dependency that is down is no reason to restart. */
  readonly isLive: boolean;
  /** Has started, is alive, does not drain, and nothing critical is unhealthy or unknown. */
  readonly isReady: boolean;
  /** Everything critical has been healthy once, and `started()` was called where that is waited for. Then for ever. */
  readonly isStarted: boolean;
  readonly isDraining: boolean;
  /** Requests in flight, of those that are tracked. */
  readonly inFlight: number;
  view(): HealthView;
  /** One more component, checked from now on. @throws InvalidArgumentError when the name is taken or an option breaks its rule */
  add(name: string, options?: ComponentOptions): void;
  remove(name: string): void;
  /** Says how a component is that has no check. @throws InvalidArgumentError for one that is not there or has one */
  set(name: string, state: HealthState, details?: string): void;
  started(): void;
  /** The process cannot go on: it is alive no more, and never again. */
  failed(reason: string): void;
  /** Counts a request as in flight until what it returns has settled; throws or rejects as `work` does. */
  track<T>(work: () => T): T;
  /** The same for those who have no function: call what it returns when the request is over, however it ended. */
  enter(): () => void;
  /**
   * Takes no more requests: not ready from this moment, whatever components say, and never again. Resolves when the
   * grace is over and nothing is in flight, or the time is over. Asking twice gives the same promise.
   */
  drain(options?: DrainOptions): Promise<Drained>;
  /** Tells every change from now on. Returns what takes the subscription back. */
  subscribe(listener: (event: HealthEvent) => void): () => void;
  /** Stops all checks. */
  close(): void;
}

const maxComponents = 1_000;
const maxReason = 500;

/**
 * Keeps the health of a service.
 *
 * @throws InvalidArgumentError naming the option, its rule and its value
 * @example
 * const health = createHealth({
 *   components: {
 *     database: { check: ({ signal }) => pool.query({ text: "select 1", signal }) },
 *     recommendations: { check: ({ signal }) => fetch(url, { signal }), critical: false },
 *   },
 * });
 * process.once("SIGTERM", async () => {
 *   await health.drain({ graceMs: 5_000 });
 *   await server.close();
 * });
 */
export function createHealth(options: HealthOptions = {}): Health {
  return new ServiceHealth(checkHealthOptions(options));
}

class ServiceHealth implements Health {
  readonly #clock: Clock;
  readonly #components = new Map<string, ComponentHealth>();
  readonly #listeners = new Set<(event: HealthEvent) => void>();
  readonly #requests: RequestsInFlight;
  #failure: string | undefined;
  #isStarted = false;
  #waitsForStart: boolean;
  #drained: Promise<Drained> | undefined;
  #told = "";

  constructor({ components, waitsForStart, onEvent, clock }: HealthSettings) {
    this.#clock = clock;
    this.#requests = new RequestsInFlight(clock);
    this.#waitsForStart = waitsForStart;
    if (onEvent !== undefined) this.#listeners.add(onEvent);
    for (const [name, settings] of components) this.#components.set(name, this.#component(name, settings));
    this.#look();
  }

  get state(): HealthState {
    if (this.#failure !== undefined) return "unhealthy";
    const all = [...this.#components.values()];
    if (all.some(isBroken)) return "unhealthy";
    return all.every(({ state }) => state === "healthy") ? "healthy" : "degraded";
  }

  get isLive(): boolean {
    return this.#failure === undefined;
  }

  get isReady(): boolean {
    return this.#isStarted && this.isLive && !this.isDraining && this.state !== "unhealthy";
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  get isDraining(): boolean {
    return this.#drained !== undefined;
  }

  get inFlight(): number {
    return this.#requests.count;
  }

  view(): HealthView {
    const { state, isLive, isReady, isDraining } = this;
    const components = [...this.#components.values()].map(({ name, state: own, settings, details, checkedAt }) => {
      return { name, state: own, isCritical: settings.critical, details, checkedAt };
    });
    if (this.#failure !== undefined) {
      const details = this.#failure;
      components.unshift({ name: "process", state: "unhealthy", isCritical: true, details, checkedAt: null });
    }
    return { state, isLive, isReady, isDraining, components };
  }

  add(name: string, options: ComponentOptions = {}): void {
    checkComponentName(name);
    const settings = checkComponent(`health.components.${name}`, options);
    if (this.#components.has(name)) throw new InvalidArgumentError("health component", "must not be taken", name);
    if (this.#components.size >= maxComponents) {
      throw new InvalidArgumentError("health components", `must be at most ${maxComponents}`, name);
    }
    this.#components.set(name, this.#component(name, settings));
    this.#look();
  }

  remove(name: string): void {
    const component = this.#components.get(name);
    if (component === undefined) return;
    component.close();
    this.#components.delete(name);
    const { state: was } = component;
    if (was !== "unknown") {
      this.#tell({ type: "componentHealthChanged", component: name, state: "unknown", was, details: "removed" });
    }
    this.#look();
  }

  set(name: string, state: HealthState, details?: string): void {
    checkOneOf("health state", state, ["healthy", "degraded", "unhealthy"]);
    const component = this.#components.get(name);
    if (component === undefined || component.settings.check !== undefined) {
      throw new InvalidArgumentError("health component", "must be one that has no check of its own", name);
    }
    component.set(state, details);
  }

  started(): void {
    this.#waitsForStart = false;
    this.#look();
  }

  failed(reason: string): void {
    const text: unknown = reason;
    this.#failure ??= String(text).slice(0, maxReason);
    this.#look();
  }

  track<T>(work: () => T): T {
    return this.#requests.track(work);
  }

  enter(): () => void {
    return this.#requests.enter();
  }

  drain(options: DrainOptions = {}): Promise<Drained> {
    checkOptionNames("drain", options, ["timeoutMs", "graceMs"]);
    const timeoutMs = checkNumber("drain.timeoutMs", options.timeoutMs ?? 30_000, 0, 24 * 3_600_000);
    const graceMs = checkNumber("drain.graceMs", options.graceMs ?? 0, 0, 24 * 3_600_000);
    if (this.#drained !== undefined) return this.#drained;
    this.#drained = this.#drain(timeoutMs, graceMs);
    this.#look();
    return this.#drained;
  }

  subscribe(listener: (event: HealthEvent) => void): () => void {
    const own = (event: HealthEvent): void => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  close(): void {
    for (const component of this.#components.values()) component.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #drain(timeoutMs: number, graceMs: number): Promise<Drained> {
    const { promise: graceOver, resolve } = Promise.withResolvers<void>();
    if (graceMs > 0) this.#clock.setTimer(graceMs, resolve);
    else resolve();
    await graceOver;
    return { left: await this.#requests.untilNone(timeoutMs) };
  }

  #component(name: string, settings: ReturnType<typeof checkComponent>): ComponentHealth {
    return new ComponentHealth(name, settings, this.#clock, (component, was) => this.#onChange(component, was));
  }

  #onChange({ name, state, details }: ComponentHealth, was: ComponentState): void {
    this.#tell({ type: "componentHealthChanged", component: name, state, was, details });
    this.#look();
  }

  /** Whether it has started by now, and whether that or anything else of the whole is new. */
  #look(): void {
    const critical = [...this.#components.values()].filter(({ settings }) => settings.critical);
    this.#isStarted ||= !this.#waitsForStart && !critical.some(isBroken);
    const { state, isLive, isReady, isDraining } = this;
    const now = JSON.stringify([state, isLive, isReady, isDraining]);
    const isFirst = this.#told === "";
    if (now === this.#told) return;
    this.#told = now;
    if (!isFirst) this.#tell({ type: "healthChanged", state, isLive, isReady, isDraining });
  }

  #tell(event: HealthEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        // Whoever listens changes nothing about how the service is.
      }
    }
  }
}

/** What nobody knows anything of serves nobody. */
function isBroken({ settings, state }: ComponentHealth): boolean {
  return settings.critical && (state === "unhealthy" || state === "unknown");
}
