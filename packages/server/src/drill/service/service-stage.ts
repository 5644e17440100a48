import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { InvalidArgumentError } from "holdfast/errors/base";
import { faultProxy, type FaultProxy } from "holdfast/adapters/fault-proxy";
import {
  faultRegistry,
  startLoad,
  type DrillFaultPlan,
  type DrillMeasures,
  type DrillSeries,
  type DrillStage,
  type FaultRegistry,
  type LiveFault,
  type LoadReport,
  type LoadRun,
  type StageContext,
  type StageFault,
  type StageLoad,
} from "holdfast/proof";
import { nodeRuntime, seededRandom } from "holdfast/runtime";
import { callDependency, type NamedDependency } from "../dependency/dependency-call.ts";
import { checkLinkFault } from "../strikes/check-link-fault.ts";
import { CallLog } from "./call-log.ts";
import { serviceCaller, type ServiceCaller } from "./service-call.ts";
import type { ServiceSettings } from "./service-settings.ts";

const longestMs = 600_000;
const probeMs = 5_000;
const maxInFlight = 1_000;
const targetName = "dependency";

export interface ServiceStageOptions {
  readonly settings: ServiceSettings;
  readonly seed: number;
}

/** A service of somebody else's under the load of its users, and what it depends on behind a proxy. */
export function serviceStage(options: ServiceStageOptions): DrillStage {
  return new ServiceStage(options);
}

class ServiceStage implements DrillStage {
  readonly #settings: ServiceSettings;
  readonly #seed: number;
  readonly #log = new CallLog();
  readonly #caller: ServiceCaller;
  readonly #reports: LoadReport[] = [];
  #proxy: FaultProxy | undefined;
  #registry: FaultRegistry | undefined;
  #run: LoadRun | undefined;
  #hasHinted = false;

  constructor({ settings, seed }: ServiceStageOptions) {
    this.#settings = settings;
    this.#seed = seed;
    this.#caller = serviceCaller(settings);
  }

  checkFault({ kind, targets, parameters }: DrillFaultPlan, path: string): void {
    const { name } = this.#settings.dependency;
    if (targets !== targetName && targets !== name) {
      throw new InvalidArgumentError(`${path}.target`, `must be ${targetName}`, targets);
    }
    checkLinkFault(kind, parameters, path);
  }

  async setup(): Promise<void> {
    const { dependency, through } = this.#settings;
    const listen = { host: "127.0.0.1", port: through };
    this.#proxy = await faultProxy({ name: targetName, upstream: dependency.address, listen });
    this.#registry = faultRegistry({ clock: nodeRuntime().clock, targets: [this.#proxy] });
  }

  async probe({ say }: StageContext): Promise<DrillMeasures> {
    const proxy = this.#there(this.#proxy);
    const { dependency, through } = this.#settings;
    const dependencyServes = await serves(dependency);
    const beganMs = performance.now();
    const isServing = await succeeds(this.#caller.call(AbortSignal.timeout(probeMs)));
    const callMs = Math.round((performance.now() - beganMs) * 10) / 10;
    const reached = proxy.metrics.accepted > 0;
    if (!reached && !this.#hasHinted) {
      this.#hasHinted = true;
      say(`nothing has come through 127.0.0.1:${through} yet: the service has to reach ${dependency.name} there`);
    }
    return { serves: isServing, callMs: isServing ? callMs : null, reached, dependencyServes };
  }

  async startLoad(_load: unknown, round: number, { signal }: StageContext): Promise<StageLoad> {
    const { ratePerSecond, timeoutMs } = this.#settings;
    const { clock } = nodeRuntime();
    const run = startLoad({
      clock,
      random: seededRandom(this.#seed + round),
      operation: (call) => this.#call(call),
      ratePerSecond,
      durationMs: 3_600_000,
      timeoutMs,
      drainMs: timeoutMs + 100,
      maxInFlight,
    });
    this.#run = run;
    const ended = run.finished.then((report) => void this.#reports.push(report));
    // Whoever stops it hears of it.
    ended.catch(() => undefined);
    const stop = (): Promise<void> => {
      run.stop();
      return ended;
    };
    try {
      while (!this.#log.hasAnswer) await delay(5, undefined, { signal });
    } catch (error) {
      await stop();
      throw error;
    }
    return { stop };
  }

  async inject({ kind, parameters }: DrillFaultPlan): Promise<StageFault> {
    const registry = this.#there(this.#registry);
    const { id } = await registry.inject({ target: targetName, kind, parameters, durationMs: longestMs });
    const span = this.#log.begin(performance.now());
    let last: LiveFault | undefined;
    return {
      what: `${kind} on the way to ${this.#settings.dependency.name}`,
      untilServing: async ({ signal, say }) => {
        const isOver = last !== undefined;
        const sinceMs = isOver ? span.toMs : span.fromMs;
        for (;;) {
          const wellMs = this.#log.wellSince(sinceMs, performance.now());
          if (wellMs !== undefined) {
            if (isOver) span.wellMs = wellMs;
            const afterMs = Math.round(wellMs - sinceMs);
            return say(`the service answers ${isOver ? "" : "in spite of it "}after ${afterMs} ms`);
          }
          await delay(10, undefined, { signal });
        }
      },
      heal: async () => {
        last = await registry.remove(id);
        span.toMs = performance.now();
      },
      records: () => [{ target: targetName, happened: (last?.struck ?? 0) > 0, struck: last?.struck ?? null }],
    };
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  async teardown(): Promise<void> {
    this.#run?.stop();
    await this.#run?.finished.catch(() => undefined);
    this.#caller.close();
    await this.#registry?.close();
    await this.#proxy?.close();
  }

  measures(): DrillMeasures {
    const total = (name: "offered" | "succeeded" | "failed" | "dropped" | "unfinished"): number =>
      this.#reports.reduce((sum, report) => sum + report[name], 0);
    const calls = total("offered");
    if (calls === 0) return {};
    return {
      calls,
      callsAnswered: total("succeeded"),
      answeredRatio: total("succeeded") / calls,
      dropped: total("dropped"),
      unfinished: total("unfinished"),
      ...this.#log.measures(),
      connectionsThrough: this.#proxy?.metrics.accepted ?? 0,
    };
  }

  series(): readonly DrillSeries[] {
    return this.#log.series();
  }

  surprise(): undefined {
    return undefined;
  }

  async #call({ intendedMs, signal }: { readonly intendedMs: number; readonly signal: AbortSignal }): Promise<void> {
    // The load's clock is this one.
    const note = (isAnswered: boolean): void =>
      this.#log.add({ dueMs: intendedMs, endedMs: performance.now(), isAnswered });
    try {
      await this.#caller.call(signal);
    } catch (error) {
      note(false);
      throw error;
    }
    note(true);
  }

  #there<T>(part: T | undefined): T {
    if (part === undefined) throw new Error("the service's dependency was not set up");
    return part;
  }
}

/** Whether a dependency answers as it should, or takes connections where nobody knows what it says. */
function serves({ address, protocol }: NamedDependency): Promise<boolean> {
  const signal = AbortSignal.timeout(probeMs);
  if (protocol !== undefined) return succeeds(callDependency({ address, protocol }, signal));
  const { host, port } = address;
  return succeeds(
    new Promise<void>((resolve, reject) => {
      const socket = connect({ host, port, signal });
      socket.once("connect", () => {
        socket.destroy();
        resolve();
      });
      socket.once("error", reject);
    }),
  );
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return await work.then(
    () => true,
    () => false,
  );
}
