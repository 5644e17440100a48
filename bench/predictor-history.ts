import type { Observation } from "holdfast/errors";
import { circuitBreaker, pipeline, timeout } from "holdfast/resilience";
import { simulate, type World } from "holdfast/runtime";
import { CallRecord } from "./predictor-calls.ts";
import { type Conditions, startFaults } from "./predictor-faults.ts";
import { Line, nextArrival, serve, type ServerState } from "./predictor-service.ts";

/** What a program that watches its calls would have told a predictor, one observation a step. */
export interface RecordedHistory {
  readonly seed: number;
  readonly observations: readonly Observation[];
  readonly calls: number;
  /** How often each fault was drawn. */
  readonly faults: ReadonlyMap<string, number>;
}

/** The numbers that a client has of its own calls, and one that a server tells. */
export const signals = ["p50Ms", "p99Ms", "callsPerSecond", "inFlight", "breakersOpen", "memoryShare"] as const;

export const stepMs = 5_000;

const hosts = ["server-1", "server-2", "server-3"];
const usualRate = 20;

/**
 * Runs a client and three servers in the simulator under faults that the seed draws, and records errors and telemetry as the
 * client sees them; what the faults are is not recorded.
 */
export async function recordHistory(seed: number, durationMs: number): Promise<RecordedHistory> {
  const states = new Map<string, ServerState>(hosts.map((host) => [host, { queued: 0, leaked: 0 }]));
  const observations: Observation[] = [];
  let calls = 0;
  const conditions: Conditions = { load: 1, drawn: new Map() };
  await simulate({ seed, trace: 1, disk: { syncMs: 4 } }, async (world) => {
    for (const [host, state] of states) world.process(host).start((runtime) => serve(runtime, host, state));
    await world.clock.sleep(100);
    startFaults(world, world.random.fork("faults"), states, conditions);
    const client = new Client(world, conditions);
    world.process("client").start(() => undefined);
    void client.run();
    while (world.clock.now() < durationMs) {
      await world.clock.sleep(stepMs);
      const leaked = Math.max(...[...states.values()].map((state) => state.leaked));
      observations.push(client.observe(leaked));
    }
    calls = client.calls;
  });
  return { seed, observations, calls, faults: conditions.drawn };
}

class Client {
  readonly #world: World;
  readonly #conditions: Conditions;
  readonly #record: CallRecord;
  readonly #guards: {
    readonly line: Line;
    readonly breaker: ReturnType<typeof circuitBreaker>;
    readonly execute: (operation: (context: { readonly signal: AbortSignal }) => Promise<void>) => Promise<void>;
  }[] = [];

  constructor(world: World, conditions: Conditions) {
    this.#world = world;
    this.#conditions = conditions;
    this.#record = new CallRecord(world.clock);
  }

  get calls(): number {
    return this.#record.calls;
  }

  async run(): Promise<void> {
    const { clock } = this.#world;
    const random = this.#world.random.fork("calls");
    await clock.sleep(1);
    const { runtime } = this.#world.process("client");
    for (const host of hosts) {
      const breaker = circuitBreaker({
        window: { kind: "time", ms: 10_000 },
        failureRate: 0.5,
        openMs: 5_000,
        clock,
        random,
      });
      const guard = pipeline(breaker, timeout({ timeoutMs: 1_000, clock }));
      this.#guards.push({ line: new Line(runtime, host), breaker, execute: (operation) => guard.execute(operation) });
    }
    for (;;) {
      await nextArrival(clock, random, usualRate * this.#conditions.load);
      void this.#call(random.integer(0, hosts.length - 1));
    }
  }

  /** What the client sees now, and since it was last asked. */
  observe(memoryShare: number): Observation {
    const open = this.#guards.filter(({ breaker }) => breaker.state !== "closed").length;
    return this.#record.observe(stepMs, { breakersOpen: open / hosts.length, memoryShare });
  }

  async #call(which: number): Promise<void> {
    const guard = this.#guards[which];
    if (guard === undefined) return;
    const call = (): Promise<void> => guard.execute(({ signal }) => guard.line.call(signal));
    await this.#record.make(`call ${which}`, call);
  }
}
