import { InvalidArgumentError } from "../../errors/base.ts";
import type { Clock, Timer } from "../../runtime/system.ts";
import { checkFaults } from "../check-faults.ts";
import type { Fault } from "../fault.ts";
import { settle, type FaultDescription } from "../fault-schedule.ts";
import type { FaultRegistry } from "./fault-registry.ts";
import type { FaultParameters, LiveFault, LiveFaultRequest } from "./live-fault.ts";

/**
 * Faults of a running system in the format of the failure model: `type` is a kind that the targets agree to, and its
 * parameters stand beside it. Numbers may be ranges; targets are names, `all`, `one` or `some`.
 */
export interface LiveFaultDescription {
  readonly seed: number;
  readonly lengthMs: number;
  readonly faults: readonly {
    readonly id?: string;
    readonly type: string;
    readonly targets: string | readonly string[];
    readonly atMs?: number | readonly [number, number];
    readonly probability?: number;
    readonly perMs?: number;
    readonly durationMs: number | readonly [number, number];
    readonly [parameter: string]: unknown;
  }[];
}

export interface LiveScheduleOptions {
  readonly registry: FaultRegistry;
  readonly clock: Pick<Clock, "setTimer">;
}

/** Live faults on their way. */
export interface LiveInjection {
  /** What is going to happen: moments in milliseconds from the start. */
  readonly schedule: readonly (LiveFaultRequest & { readonly atMs: number })[];
  /** Resolves at the end of the schedule, when all of it is taken back. */
  readonly finished: Promise<LiveInjectionReport>;
  /** Ends it now. */
  heal(): void;
}

export interface LiveInjectionReport {
  /** As they were at their end; one of which nothing could be taken back yet is `stuck`. */
  readonly faults: readonly LiveFault[];
  /** Faults that could not begin, and why. */
  readonly refused: readonly { readonly request: LiveFaultRequest; readonly error: unknown }[];
}

const general: ReadonlySet<string> = new Set(["id", "targets", "atMs", "probability", "perMs", "durationMs"]);

/**
 * Injects a schedule into running systems, each fault at its moment, from the same seed the same.
 *
 * @throws InvalidArgumentError on a description that breaks a rule, or names a target, kind or parameter that is not there
 * @example
 * const injection = runLiveSchedule({ registry, clock }, {
 *   seed: 1,
 *   lengthMs: 60_000,
 *   faults: [{ type: "delay", targets: "one", probability: 0.2, perMs: 1_000, durationMs: [100, 5_000], delayMs: 80 }],
 * });
 * const { faults } = await injection.finished;
 */
export function runLiveSchedule(
  { registry, clock }: LiveScheduleOptions,
  description: LiveFaultDescription,
): LiveInjection {
  const names = registry.targets.map(({ name }) => name);
  checkGeneral(description, names);
  const { faults } = settle(description as unknown as FaultDescription, names);
  const schedule = faults.flatMap((fault) => requestsOf(fault, names));
  for (const { atMs: _, ...request } of schedule) registry.check(request);
  return new Run(registry, clock, schedule, description.lengthMs);
}

/** What all faults have is checked by the failure model's rules, under a kind that has nothing of its own. */
function checkGeneral(description: LiveFaultDescription, names: readonly string[]): void {
  const faults: unknown = (description as Partial<LiveFaultDescription> | null)?.faults;
  if (!Array.isArray(faults)) throw new InvalidArgumentError("schedule.faults", "must be an array", faults);
  const bare = (faults as unknown[]).map((fault, at) => {
    if (typeof fault !== "object" || fault === null) {
      throw new InvalidArgumentError(`faults[${at}]`, "must be an object", fault);
    }
    const { type } = fault as { readonly type?: unknown };
    if (typeof type !== "string") throw new InvalidArgumentError(`faults[${at}].type`, "must be text", type);
    const shared = Object.entries(fault).filter(([name]) => general.has(name));
    return { ...Object.fromEntries(shared), type: "clog" };
  });
  checkFaults({ ...description, faults: bare }, names);
}

function requestsOf(fault: Fault, names: readonly string[]): LiveInjection["schedule"] {
  const { id, type: kind, targets, atMs, durationMs, ...parameters } = fault;
  const struck = targets === "all" ? names : (targets as readonly string[]);
  return struck.map((target) => ({
    ...(id === undefined ? {} : { id: struck.length > 1 ? `${id}.${target}` : id }),
    target,
    kind,
    durationMs,
    atMs,
    parameters: parameters as FaultParameters,
  }));
}

class Run implements LiveInjection {
  readonly schedule: LiveInjection["schedule"];
  readonly finished: Promise<LiveInjectionReport>;
  readonly #registry: FaultRegistry;
  readonly #timers: Timer[];
  readonly #begun: Promise<void>[] = [];
  readonly #ended: Promise<LiveFault>[] = [];
  readonly #ids: string[] = [];
  readonly #refused: { readonly request: LiveFaultRequest; readonly error: unknown }[] = [];
  #finish: (report: Promise<LiveInjectionReport>) => void = () => undefined;
  #isOver = false;

  constructor(
    registry: FaultRegistry,
    clock: Pick<Clock, "setTimer">,
    schedule: LiveInjection["schedule"],
    lengthMs: number,
  ) {
    this.schedule = schedule;
    this.#registry = registry;
    this.finished = new Promise((resolve) => (this.#finish = resolve));
    this.#timers = schedule
      .filter(({ atMs }) => atMs < lengthMs)
      .map(({ atMs, ...request }) => clock.setTimer(atMs, () => void this.#begun.push(this.#begin(request))));
    this.#timers.push(clock.setTimer(lengthMs, () => this.heal()));
  }

  heal(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers) timer.cancel();
    this.#finish(this.#end());
  }

  async #begin(request: LiveFaultRequest): Promise<void> {
    try {
      const begun = await this.#registry.inject(request);
      this.#ids.push(begun.id);
      // One that was healed while it began may be gone already.
      this.#ended.push(this.#registry.whenRemoved(begun.id).catch(() => ({ ...begun, state: "removed" as const })));
    } catch (error) {
      this.#refused.push({ request, error });
    }
  }

  async #end(): Promise<LiveInjectionReport> {
    await Promise.all(this.#begun);
    const left = new Set(this.#registry.faults.map(({ id }) => id));
    await Promise.all(
      this.#ids.filter((id) => left.has(id)).map((id) => this.#registry.remove(id).catch(() => undefined)),
    );
    const stuck = this.#registry.faults.filter(({ id }) => this.#ids.includes(id));
    const waits = this.#ended.filter((_, at) => !stuck.some(({ id }) => id === this.#ids[at]));
    return { faults: [...(await Promise.all(waits)), ...stuck], refused: this.#refused };
  }
}
