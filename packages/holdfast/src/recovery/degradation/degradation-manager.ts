import { checkOneOf, InvalidArgumentError } from "../../errors/base.ts";
import type { DegradationMode } from "../../resilience/index.ts";
import type { Timer } from "../../runtime/system.ts";
import type { DegradationFact, HealthState } from "../../telemetry/index.ts";
import { FeatureLadder, type Feature } from "./feature-ladder.ts";
import { ManagedService } from "./managed-service.ts";
import { checkManagerOptions, type DegradationManagerOptions, type ManagerSettings } from "./manager-options.ts";
import { HeldMode } from "./service-mode.ts";

/** One service, for whoever calls it. */
export interface ServiceHandle {
  readonly mode: DegradationMode;
  /** A call of its full way has ended: what a fallback answers is none. */
  record(isFailure: boolean): void;
  /** Whether to go the full way: in full mode once in `probeIntervalMs`, to measure it. */
  admits(): boolean;
  /** It is known to be down: it and what needs it degrade at once. */
  markDown(because: string): void;
  markUp(): void;
}

export interface ServiceView {
  readonly mode: DegradationMode;
  readonly because: string;
  /** Since when, milliseconds of the clock's wall time. */
  readonly since: number;
  /** By its own error rate alone. */
  readonly measured: DegradationMode;
  readonly isDown: boolean;
  readonly isForced: boolean;
  readonly calls: number;
  readonly errorRate: number | null;
  readonly features: Readonly<Record<string, boolean>>;
}

export interface DegradationSnapshot {
  readonly mode: DegradationMode;
  readonly because: string;
  readonly isForced: boolean;
  /** Of the services, 0..1. */
  readonly degradedShare: number;
  readonly services: Readonly<Record<string, ServiceView>>;
  /** Of no single service. */
  readonly features: Readonly<Record<string, boolean>>;
  /** Of the overall mode. */
  readonly modeChanges: number;
  /** How long each overall mode was in force. */
  readonly durationsMs: Readonly<Record<DegradationMode, number>>;
}

export interface DegradationHealth {
  readonly name: string;
  readonly state: HealthState;
  readonly details: string;
}

export interface DegradationManager extends AsyncDisposable {
  readonly mode: DegradationMode;
  /** @throws InvalidArgumentError for one that was not declared, as from all below */
  service(name: string): ServiceHandle;
  /** Whether a feature is on: one look into a table. */
  allows(feature: string): boolean;
  /**
   * Fixes the mode of a service, or the overall mode, until `lift`; measuring goes on. Overall normal and full are those
   * of all services that have no override of their own; in partial each has its own mode.
   */
  override(mode: DegradationMode, service?: string): void;
  /** Takes an override back: what was measured counts again, at once. */
  lift(service?: string): void;
  /** Judges all services now, without waiting for their intervals. */
  check(): void;
  snapshot(): DegradationSnapshot;
  /** For a health check: `unhealthy` in full mode, `degraded` in partial mode. */
  health(): readonly DegradationHealth[];
  /** Ends the checks; modes stay as they are. */
  close(): Promise<void>;
}

/**
 * Decides for services that depend on each other how far each is degraded: by the error rate of its own calls, and by
 * what it needs, without waiting for the errors that will follow. Modes get worse at once and better one step at a time;
 * features are shed from the least important up, and restored in reverse.
 *
 * @throws InvalidArgumentError for options that break their rules, also for services that need each other in a circle
 * @example
 * const manager = createDegradationManager({
 *   services: {
 *     database: {},
 *     orders: { dependsOn: ["database"], features: [{ name: "recommendations", priority: 2 }] },
 *   },
 * });
 * manager.service("database").markDown("no connection");
 * manager.allows("recommendations"); // false
 */
export function createDegradationManager(options: DegradationManagerOptions): DegradationManager {
  return new Manager(checkManagerOptions(options));
}

class Manager implements DegradationManager {
  readonly #settings: ManagerSettings;
  /** What is needed before what needs it. */
  readonly #services: ReadonlyMap<string, ManagedService>;
  readonly #handles: ReadonlyMap<string, ServiceHandle>;
  readonly #features: ReadonlyMap<string, Feature>;
  readonly #overall: HeldMode;
  readonly #ladder: FeatureLadder;
  readonly #durationsMs: Record<DegradationMode, number> = { normal: 0, partial: 0, full: 0 };
  #forced: DegradationMode | undefined;
  #modeChanges = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(settings: ManagerSettings) {
    this.#settings = settings;
    const { holdMs, partialPriority, fullPriority, features, clock } = settings;
    const at = clock.now();
    this.#services = new Map(settings.services.map((each) => [each.name, new ManagedService(each, settings, at)]));
    this.#handles = new Map(Array.from(this.#services, ([name, service]) => [name, this.#handle(service)]));
    this.#overall = new HeldMode(holdMs, at);
    this.#ladder = new FeatureLadder({ features, partialPriority, fullPriority, holdMs, at });
    const ladders = [this.#ladder, ...Array.from(this.#services.values(), ({ ladder }) => ladder)];
    this.#features = new Map(ladders.flatMap((ladder) => ladder.features.map((each) => [each.name, each] as const)));
    this.#arm();
  }

  get mode(): DegradationMode {
    return this.#overall.mode;
  }

  service(name: string): ServiceHandle {
    return this.#handles.get(name) ?? refuse("service", "services", name);
  }

  allows(feature: string): boolean {
    return (this.#features.get(feature) ?? refuse("feature", "features", feature)).isOn;
  }

  override(mode: DegradationMode, service?: string): void {
    checkOneOf("degradationManager.override", mode, ["normal", "partial", "full"]);
    if (service === undefined) this.#forced = mode;
    else this.#managed(service).force(mode);
    this.#settle({ atOnce: service ?? true });
  }

  lift(service?: string): void {
    if (service === undefined) this.#forced = undefined;
    else this.#managed(service).force(undefined);
    this.#settle({ atOnce: service ?? true });
  }

  check(): void {
    this.#settle({ checksAll: true });
  }

  snapshot(): DegradationSnapshot {
    const at = this.#settings.clock.now();
    const { mode, because, changedAt } = this.#overall;
    const durationsMs = { ...this.#durationsMs, [mode]: this.#durationsMs[mode] + at - changedAt };
    const services = Array.from(this.#services, ([name, each]) => [name, this.#view(each, at)] as const);
    return {
      mode,
      because,
      isForced: this.#forced !== undefined,
      degradedShare: this.#share(),
      services: Object.fromEntries(services),
      features: switches(this.#ladder),
      modeChanges: this.#modeChanges,
      durationsMs,
    };
  }

  health(): readonly DegradationHealth[] {
    return Array.from(this.#services, ([name, { held }]) => ({
      name,
      state: held.mode === "normal" ? "healthy" : held.mode === "partial" ? "degraded" : "unhealthy",
      details: held.because,
    }));
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #handle(service: ManagedService): ServiceHandle {
    const { clock, probeIntervalMs } = this.#settings;
    return {
      get mode() {
        return service.held.mode;
      },
      record: (isFailure) => service.record(clock.now(), isFailure),
      admits: () => service.admits(clock.now(), probeIntervalMs),
      markDown: (because) => {
        service.markDown(because);
        this.#settle({});
      },
      markUp: () => {
        service.markUp();
        this.#settle({});
      },
    };
  }

  #managed(name: string): ManagedService {
    return this.#services.get(name) ?? refuse("service", "services", name);
  }

  /** Brings all modes and features to where they belong. `atOnce`: of one service, or overall (true), by hand. */
  #settle({ checksAll = false, atOnce }: { readonly checksAll?: boolean; readonly atOnce?: string | true }): void {
    const at = this.#settings.clock.now();
    const told: DegradationFact[] = [];
    const around = {
      modeOf: (name: string): DegradationMode => this.#managed(name).held.mode,
      // In partial mode each service is in its own.
      forced: this.#forced === "partial" ? undefined : this.#forced,
    };
    let isOverallCheck = checksAll;
    for (const service of this.#services.values()) {
      const { name, held } = service;
      const isCheck = service.check(at, checksAll);
      isOverallCheck ||= isCheck;
      const from = held.mode;
      const byHand = atOnce === name || atOnce === true;
      if (service.settle(at, around, byHand)) {
        const { mode: to, because } = held;
        told.push({ type: "serviceModeChanged", service: name, from, to, because, errorRate: service.lastRate });
      }
      for (const feature of service.shed(at, isCheck, byHand)) told.push(featureFact(feature, name));
    }
    this.#settleOverall(at, isOverallCheck, atOnce === true, told);
    // Listeners are told last: one that asks, or acts, finds everything in its place.
    for (const fact of told) this.#tell(fact);
    this.#arm();
  }

  #settleOverall(at: number, isCheck: boolean, atOnce: boolean, told: DegradationFact[]): void {
    const overall = this.#overall;
    const share = this.#share();
    const before = { mode: overall.mode, since: overall.changedAt };
    if (overall.become(this.#wanted(share), this.#because(share), at, atOnce)) {
      this.#modeChanges++;
      this.#durationsMs[before.mode] += at - before.since;
      const { mode: to, because } = overall;
      told.push({ type: "overallModeChanged", from: before.mode, to, because, degradedShare: share });
    }
    const pressing = isCheck && share > this.#settings.enterShare;
    for (const feature of this.#ladder.follow(overall.mode, at, { pressing, atOnce })) {
      told.push(featureFact(feature, null));
    }
  }

  /** Between the two shares it stays as it is. */
  #wanted(share: number): DegradationMode {
    const { enterShare, leaveShare } = this.#settings;
    if (this.#forced !== undefined) return this.#forced;
    if (share === 1) return "full";
    if (share > enterShare) return "partial";
    return share < leaveShare || this.#overall.mode === "normal" ? "normal" : "partial";
  }

  #because(share: number): string {
    if (this.#forced !== undefined) return "somebody has set it so";
    const degraded = Array.from(this.#services.values()).filter(({ held }) => held.mode !== "normal").length;
    return `${degraded} of ${this.#services.size} services are degraded, ${share.toFixed(2)}`;
  }

  #share(): number {
    if (this.#services.size === 0) return 0;
    let degraded = 0;
    for (const { held } of this.#services.values()) if (held.mode !== "normal") degraded++;
    return degraded / this.#services.size;
  }

  #view(service: ManagedService, at: number): ServiceView {
    const { held, measured, isDown, isForced, ladder } = service;
    const since = Math.round(this.#settings.clock.wallTime() - (at - held.changedAt));
    const { mode, because } = held;
    const { calls, errorRate } = service.read(at);
    return { mode, because, since, measured, isDown, isForced, calls, errorRate, features: switches(ladder) };
  }

  #arm(): void {
    this.#timer?.cancel();
    if (this.#isClosed) return;
    const { clock } = this.#settings;
    const wanted = this.#wanted(this.#share());
    let dueAt = Math.min(this.#overall.dueAt(wanted), this.#ladder.dueAt(this.#overall.mode));
    for (const service of this.#services.values()) dueAt = Math.min(dueAt, service.dueAt);
    if (dueAt === Infinity) return;
    this.#timer = clock.setTimer(Math.max(1, dueAt - clock.now()), () => this.#settle({}));
  }

  #tell(fact: DegradationFact): void {
    const { telemetry, onEvent } = this.#settings;
    telemetry?.publish(fact);
    try {
      onEvent?.(fact);
    } catch {
      // What a listener throws is its own affair.
    }
  }
}

function featureFact({ name: feature, priority, isOn }: Feature, service: string | null): DegradationFact {
  return { type: isOn ? "featureRestored" : "featureShed", feature, service, priority };
}

function switches(ladder: FeatureLadder): Readonly<Record<string, boolean>> {
  return Object.fromEntries(ladder.features.map(({ name, isOn }) => [name, isOn]));
}

function refuse(option: string, list: string, value: unknown): never {
  throw new InvalidArgumentError(`degradationManager.${option}`, `must be one of the ${list} declared`, value);
}
