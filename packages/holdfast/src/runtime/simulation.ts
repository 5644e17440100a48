import { checkFaults, defaultDiskFaults, defaultLinkFaults, type DiskFaults, type LinkFaults } from "./faults.ts";
import type { Clock, Random } from "./runtime.ts";
import { seededRandom } from "./seeded-random.ts";
import { type ClockFaults, simulatedClock, trueTime } from "./simulated-clock.ts";
import { type NetworkControl, SimulatedNetwork } from "./simulated-network.ts";
import { type ProcessOptions, simulatedProcess, type SimulatedProcess } from "./simulated-process.ts";
import { SimulationEngine } from "./simulation-engine.ts";

export interface SimulationOptions {
  /** Decides everything that is drawn. A safe integer. */
  readonly seed: number;
  /** How links treat what is sent; `streamTimeoutMs` is when a stream or a connection attempt gives up (20000). */
  readonly network?: Partial<LinkFaults> & { readonly streamTimeoutMs?: number };
  readonly disk?: Partial<DiskFaults>;
  readonly clock?: ClockFaults;
  /** Ends a run that does not end. Default one hour. */
  readonly maxVirtualMs?: number;
  /** Default 20 million. */
  readonly maxSteps?: number;
  /** How many lines of the trace are kept for the report. Default 100. */
  readonly trace?: number;
}

/** A simulated world, as the test that runs in it sees it. */
export interface World {
  readonly seed: number;
  /** True time: no skew, no drift. */
  readonly clock: Clock;
  /** For the test's own draws. */
  readonly random: Random;
  readonly network: NetworkControl;
  /** What has happened so far, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** The process on a machine; makes it when it is not there. @throws Error on options for one that is */
  process(host: string, options?: ProcessOptions): SimulatedProcess;
  /** Calls back after every event and all it caused; a throw ends the run. Returns what takes it back. */
  onStep(callback: () => void): () => void;
  /** Adds a line to the trace, and to its hash. */
  note(text: string): void;
  /** Counts a fault of the test's own in `faults`, and traces it. */
  fault(kind: string, host: string): void;
  /** The last lines of the trace, oldest first, as many as the options keep. */
  traceLines(): string[];
}

/** How a run went. */
export interface SimulationReport {
  readonly seed: number;
  readonly virtualMs: number;
  readonly steps: number;
  /** Equal for two runs of one seed; sixteen hexadecimal digits. */
  readonly traceHash: string;
  /** How often each fault happened. */
  readonly faults: Readonly<Record<string, number>>;
  readonly trace: readonly string[];
}

export interface SimulationResult<T> extends SimulationReport {
  readonly value: T;
}

const reports = new WeakMap<object, SimulationReport>();

/**
 * Runs `main` in a simulated world: one thread, virtual time, every fault drawn from one seed. The same code with the
 * same seed gives the same run, byte for byte, as long as it takes time, randomness, network and files from the
 * processes' runtimes alone.
 *
 * One event happens at a time, and everything it causes up to the last microtask is done before the next. The run ends
 * when `main` ends; what is left then never happens.
 *
 * @throws what `main`, a process, a callback or `onStep` threw first, and an Error when nothing is left to happen while
 *   `main` waits, or a limit is passed; `simulationReport(error)` tells how the run went until then
 * @example
 * const { value, traceHash } = await simulate({ seed: 7 }, async (world) => {
 *   const server = world.process("server");
 *   server.start(async ({ network }) => {
 *     await network.listen({ host: "server", port: 80 }, (connection) => connection.end());
 *   });
 *   await world.clock.sleep(1000);
 *   return server.state;
 * });
 */
export async function simulate<T>(
  options: SimulationOptions,
  main: (world: World) => T | Promise<T>,
): Promise<SimulationResult<T>> {
  const { seed } = options;
  const root = seededRandom(seed);
  const { streamTimeoutMs = 20_000, ...link } = options.network ?? {};
  checkFaults("simulate.network", { ...link, latencyMs: link.latencyMs ?? 0 });
  checkFaults("simulate.disk", options.disk ?? {});
  const engine = new SimulationEngine({
    maxVirtualMs: positive("maxVirtualMs", options.maxVirtualMs ?? 3_600_000),
    maxSteps: positive("maxSteps", options.maxSteps ?? 20_000_000),
    traceLines: options.trace ?? 100,
  });
  const network = new SimulatedNetwork(
    engine,
    root.fork("network"),
    { ...defaultLinkFaults, ...link },
    positive("network.streamTimeoutMs", streamTimeoutMs),
  );
  const processes = new Map<string, ReturnType<typeof simulatedProcess>>();
  const world: World = {
    seed,
    clock: simulatedClock(engine, "world", undefined, trueTime(engine)),
    random: root.fork("test"),
    network,
    get faults() {
      return Object.fromEntries(engine.faults);
    },
    process(host, own) {
      const existing = processes.get(host);
      if (existing !== undefined) {
        if (own !== undefined) throw new Error(`process ${host} exists already; its options cannot change`);
        return existing;
      }
      checkFaults("process.disk", own?.disk ?? {});
      const made = simulatedProcess({
        engine,
        network,
        machine: network.addMachine(host),
        random: root.fork(`process ${host}`),
        disk: { ...defaultDiskFaults, ...options.disk, ...own?.disk },
        clock: { ...options.clock, ...own?.clock },
      });
      processes.set(host, made);
      return made;
    },
    onStep: (callback) => engine.watch(callback),
    note: (text) => engine.trace.note(text, engine.now),
    fault: (kind, host) => engine.fault(kind, host),
    traceLines: () => engine.trace.lines(),
  };
  const report = (): SimulationReport => ({
    seed,
    virtualMs: engine.now,
    steps: engine.steps,
    traceHash: engine.trace.hash(),
    faults: world.faults,
    trace: engine.trace.lines(),
  });

  let outcome: { readonly value: T } | undefined;
  const running = (async () => {
    outcome = { value: await main(world) };
  })();
  running.catch((error: unknown) => engine.fail(error));
  try {
    await engine.run(() => outcome !== undefined);
  } catch (thrown) {
    const error = typeof thrown === "object" && thrown !== null ? thrown : new Error(String(thrown));
    reports.set(error, report());
    throw error;
  } finally {
    for (const one of processes.values()) one.endRun();
  }
  return { value: (outcome as unknown as { readonly value: T }).value, ...report() };
}

/** How the run went that `error` ended; undefined for an error that no simulation threw. */
export function simulationReport(error: unknown): SimulationReport | undefined {
  return typeof error === "object" && error !== null ? reports.get(error) : undefined;
}

function positive(name: string, value: number): number {
  if (value > 0) return value;
  throw new RangeError(`simulate.${name} must be a number > 0 (got ${value})`);
}
