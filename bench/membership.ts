import { setTimeout as delay } from "node:timers/promises";
import { installCommands } from "../scripts/debian-packages.ts";
import { Samples, type Benchmark, type BenchmarkContext, type Measurement } from "./benchmark.ts";
import { holdfastMember, serfAgent, type Watcher, type WatchSystem } from "./membership-watchers.ts";
import { freePorts } from "./server-process.ts";

const sizes = [5, 16];
const killsPerRound = 3;
/** Until members that were held up by the start of another are themselves again. */
const settleMs = 3000;
const noticeTimeoutMs = 60_000;
/** How long one member is stopped, again and again, while nobody dies. */
const stopMs = 2000;
const stopEveryMs = 5000;
const stopSecondsPerSecond = 10;

/**
 * How long after `kill -9` of one process the first of the others, and the last, report it failed, with the same timers
 * on both sides (serf's profile `local`); and whether anybody else is accused meanwhile, or while a member is stopped
 * again and again. A report counts when its line arrives here. One system runs at a time.
 */
export const membership: Benchmark = {
  name: "membership",
  summary: "noticing a killed process, 5 and 16 members on this machine, against serf",
  run: (context) => compareSystems([holdfastMember, serfAgent], context),
};

/** Of each system and case: what could have gone wrong, and what did. */
class Alarms {
  readonly #counts = new Map<string, Map<string, { trials: number; faultless: number }>>();

  add(system: string, name: string, isFaultless: boolean): void {
    const bySystem = this.#counts.get(name) ?? new Map<string, { trials: number; faultless: number }>();
    this.#counts.set(name, bySystem);
    const { trials, faultless } = bySystem.get(system) ?? { trials: 0, faultless: 0 };
    bySystem.set(system, { trials: trials + 1, faultless: faultless + (isFaultless ? 1 : 0) });
  }

  measurements(ours: string): Measurement[] {
    return [...this.#counts].map(([name, bySystem]) => {
      const shares = new Map(
        [...bySystem].map(([system, { trials, faultless }]) => [system, (100 * faultless) / trials]),
      );
      const own = shares.get(ours) ?? 0;
      shares.delete(ours);
      return { case: name, unit: "%", better: "higher", ours: own, peers: Object.fromEntries(shares) };
    });
  }
}

async function compareSystems(systems: readonly WatchSystem[], context: BenchmarkContext): Promise<Measurement[]> {
  const [missing] = installCommands(["serf"]);
  if (missing !== undefined) throw new Error(missing.reason);
  const samples = new Samples();
  const alarms = new Alarms();
  for (let round = 0; round < context.rounds; round++) {
    for (const size of sizes) {
      for (const system of round % 2 === 0 ? systems : systems.toReversed()) {
        context.progress(`round ${round + 1} of ${context.rounds}: ${system.name}, ${size} members`);
        await measure(system, size, samples, alarms, context);
      }
    }
  }
  return [...samples.measurements(holdfastMember.name), ...alarms.measurements(holdfastMember.name)];
}

async function measure(
  system: WatchSystem,
  size: number,
  samples: Samples,
  alarms: Alarms,
  { signal, seconds, progress }: BenchmarkContext,
): Promise<void> {
  const ports = await freePorts(2 * size);
  const watchers: Watcher[] = [];
  const start = async (at: number): Promise<Watcher> => {
    const join = watchers.map(({ port }) => port).filter((port) => port !== ports[at]);
    return system.start(`n${at + 1}`, ports[at]!, ports[size + at]!, join);
  };
  try {
    for (let at = 0; at < size; at++) watchers.push(await start(at));
    const names = watchers.map(({ name }) => name);
    await until(signal, "all know all", () => watchers.every((each) => names.every((name) => each.sees(name))));

    for (let kill = 0; kill < killsPerRound; kill++) {
      // At any moment of a probe period.
      await delay(settleMs + Math.random() * 1000, undefined, { signal });
      const at = 1 + Math.floor(Math.random() * (size - 1));
      const victim = watchers[at]!;
      const survivors = watchers.filter((watcher) => watcher !== victim);
      const before = performance.now();
      victim.child.kill("SIGKILL");
      const noticed = (): (number | undefined)[] =>
        survivors.map(({ failures }) => failures.find(({ of, atMs }) => of === victim.name && atMs > before)?.atMs);
      await until(signal, `${victim.name} is reported failed`, () => !noticed().includes(undefined));
      const times = noticed().map((atMs) => atMs! - before);
      const [first, last] = [Math.min(...times), Math.max(...times)];
      samples.add(system.name, { case: `first report, ${size} members`, unit: "ms", better: "lower" }, first);
      samples.add(system.name, { case: `all report, ${size} members`, unit: "ms", better: "lower" }, last);
      const wrong = falseAlarms(survivors, before, victim.name);
      alarms.add(system.name, `kills without a false alarm, ${size} members`, wrong.length === 0);
      progress(`  first after ${Math.round(first)} ms, all after ${Math.round(last)} ms${tell(wrong)}`);
      await victim.stop();
      watchers[at] = await start(at);
      await until(signal, `${victim.name} is back`, () =>
        watchers.every((each) => names.every((name) => each.sees(name))),
      );
    }

    const stopped = watchers[1]!;
    const before = performance.now();
    while (performance.now() - before < seconds * stopSecondsPerSecond * 1000) {
      await delay(stopEveryMs - stopMs, undefined, { signal });
      stopped.child.kill("SIGSTOP");
      await delay(stopMs, undefined, { signal });
      stopped.child.kill("SIGCONT");
    }
    await delay(stopMs, undefined, { signal });
    const wrong = falseAlarms(watchers, before, undefined);
    for (const name of names) {
      const isFaultless = wrong.every((line) => !line.startsWith(`${name} `));
      alarms.add(system.name, `never accused while one stops 2 s in 5, ${size} members`, isFaultless);
    }
    progress(`  one stopped 2 s in every 5${tell(wrong)}`);
  } finally {
    await Promise.all(watchers.map((watcher) => watcher.stop()));
  }
}

/** Who was reported failed, by whom, without being it. */
function falseAlarms(watchers: readonly Watcher[], sinceMs: number, dead: string | undefined): string[] {
  return watchers.flatMap(({ name, failures }) =>
    failures.filter(({ of, atMs }) => of !== dead && atMs > sinceMs).map(({ of }) => `${of} by ${name}`),
  );
}

function tell(wrong: readonly string[]): string {
  return wrong.length === 0 ? "" : `, false alarms: ${wrong.join(", ")}`;
}

async function until(signal: AbortSignal, what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + noticeTimeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${noticeTimeoutMs} ms`);
    await delay(5, undefined, { signal });
  }
}
