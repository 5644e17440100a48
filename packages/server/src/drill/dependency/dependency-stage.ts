import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { InvalidArgumentError } from "holdfast/errors/base";
import { faultProxy, type FaultProxy } from "holdfast/adapters/fault-proxy";
import {
  faultRegistry,
  type DrillFaultPlan,
  type DrillMeasures,
  type DrillSeries,
  type DrillStage,
  type FaultRegistry,
  type LiveFault,
  type StageContext,
  type StageFault,
  type StageLoad,
} from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { checkLinkFault } from "../strikes/check-link-fault.ts";
import { callDependency, dependencyProtocols, type Dependency } from "./dependency-call.ts";
import { serviceCalls, type ServiceCalls } from "./service-calls.ts";

const longestMs = 600_000;
const probeMs = 1_000;
const bucketMs = 100;
const targetName = "dependency";

export interface DependencyStageOptions {
  /** A server of somebody else. Default: a small HTTP server of our own. */
  readonly upstream: Dependency | undefined;
  /** Whether the service has its policies in place. */
  readonly isProtected: boolean;
}

/** A service with its policies in place or without any, and what it depends on behind a proxy. The service's callers are the load. */
export function dependencyStage(options: DependencyStageOptions): DrillStage {
  return new DependencyStage(options);
}

class DependencyStage implements DrillStage {
  readonly #upstream: Dependency | undefined;
  readonly #isProtected: boolean;
  #server: Server | undefined;
  #proxy: FaultProxy | undefined;
  #registry: FaultRegistry | undefined;
  #dependency: Dependency | undefined;
  #calls: ServiceCalls | undefined;
  #beganMs = 0;
  #recoveredMs: number | null = null;

  constructor({ upstream, isProtected }: DependencyStageOptions) {
    this.#upstream = upstream;
    this.#isProtected = isProtected;
  }

  checkFault({ kind, targets, parameters }: DrillFaultPlan, path: string): void {
    if (targets !== targetName) throw new InvalidArgumentError(`${path}.target`, `must be ${targetName}`, targets);
    checkLinkFault(kind, parameters, path);
  }

  async setup(): Promise<void> {
    const upstream = this.#upstream ?? (await this.#serve());
    const proxy = await faultProxy({ name: targetName, upstream: upstream.address });
    this.#proxy = proxy;
    this.#registry = faultRegistry({ clock: nodeRuntime().clock, targets: [proxy] });
    this.#dependency = { ...upstream, address: proxy.address };
    this.#calls = serviceCalls(this.#dependency, this.#isProtected);
  }

  async probe(): Promise<DrillMeasures> {
    const beganMs = performance.now();
    try {
      await callDependency(this.#there(this.#dependency), AbortSignal.timeout(probeMs));
      return { serves: true, callMs: performance.now() - beganMs };
    } catch {
      return { serves: false, callMs: null };
    }
  }

  async startLoad(load: { readonly clients: number }, _: number, { signal }: StageContext): Promise<StageLoad> {
    this.#beganMs ||= performance.now();
    const calls = this.#there(this.#calls);
    calls.begin(Math.max(1, load.clients));
    await this.#untilAnswered(performance.now(), signal);
    return { stop: () => calls.stop() };
  }

  async inject({ kind, parameters }: DrillFaultPlan): Promise<StageFault> {
    const registry = this.#there(this.#registry);
    const { id } = await registry.inject({ target: targetName, kind, parameters, durationMs: longestMs });
    let last: LiveFault | undefined;
    let healedMs: number | undefined;
    return {
      what: `${kind} on the way to the dependency`,
      untilServing: async ({ signal, say }) => {
        // Until then, fallbacks serve.
        if (healedMs === undefined) return;
        const afterMs = await this.#untilAnswered(healedMs, signal);
        this.#recoveredMs = Math.max(this.#recoveredMs ?? 0, afterMs);
        say(`the dependency answers again after ${afterMs} ms`);
      },
      heal: async () => {
        last = await registry.remove(id);
        healedMs = performance.now();
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
    await this.#calls?.stop();
    await this.#registry?.close();
    await this.#proxy?.close();
    this.#server?.closeAllConnections();
    await new Promise((resolve) => (this.#server === undefined ? resolve(undefined) : this.#server.close(resolve)));
  }

  measures(): DrillMeasures {
    const record = this.#calls?.record;
    if (record === undefined || record.calls === 0) return {};
    return {
      calls: record.calls,
      callsAnswered: record.answered,
      answeredRatio: record.answered / record.calls,
      fromDependency: record.fromDependency,
      fromFallback: record.answered - record.fromDependency,
      attempts: record.attempts,
      slowestCallMs: Math.round(record.slowestMs * 10) / 10,
      breakerRejected: this.#calls?.rejected() ?? 0,
      recoveredMs: this.#recoveredMs,
    };
  }

  series(): readonly DrillSeries[] {
    const answers = this.#calls?.record.answersAtMs ?? [];
    const counts = new Map<number, number>();
    const last = Math.floor(((answers.at(-1) ?? this.#beganMs) - this.#beganMs) / bucketMs);
    for (let at = 0; at <= last; at++) counts.set(at, 0);
    for (const atMs of answers) {
      const at = Math.floor((atMs - this.#beganMs) / bucketMs);
      counts.set(at, (counts.get(at) ?? 0) + 1);
    }
    const points = [...counts].map(([at, count]) => [at * bucketMs, count * (1000 / bucketMs)] as const);
    return [{ name: "answers of the dependency", unit: "a second", points }];
  }

  surprise(): undefined {
    return undefined;
  }

  async #serve(): Promise<Dependency> {
    const server = createServer((_, response) => response.end("ok"));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    const { port } = server.address() as AddressInfo;
    return { address: { host: "127.0.0.1", port }, protocol: this.#there(dependencyProtocols["http"]) };
  }

  async #untilAnswered(sinceMs: number, signal: AbortSignal): Promise<number> {
    const { answersAtMs } = this.#there(this.#calls).record;
    for (;;) {
      const atMs = answersAtMs.find((each) => each >= sinceMs);
      if (atMs !== undefined) return Math.round((atMs - sinceMs) * 10) / 10;
      await delay(5, undefined, { signal });
    }
  }

  #there<T>(part: T | undefined): T {
    if (part === undefined) throw new Error("the dependency was not set up");
    return part;
  }
}
