import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, globSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { installCommands } from "../scripts/debian-packages.ts";
import { Samples, type Benchmark, type BenchmarkContext } from "./benchmark.ts";
import { plansAtOnce, stepsPerPlan, type PlansAnswer, type PlansRequest } from "./plans-workload.ts";
import { realDisk } from "./real-disk.ts";
import { freePorts, startServer, type ServerProcess } from "./server-process.ts";

/** Durable plans: an orchestrator on an embedded cluster of three, beside DBOS on PostgreSQL that syncs. */
export const plans: Benchmark = {
  name: "plans",
  summary: "durable plans on an embedded cluster of three, beside DBOS on PostgreSQL",
  async run(context) {
    const [missing] = installCommands(["postgres"]);
    if (missing !== undefined) throw new Error(missing.reason);
    const samples = new Samples();
    for (let round = 1; round <= context.rounds; round++) {
      // Alternating, so that neither always finds the machine warmer.
      const sides = [holdfast, dbos];
      for (const side of round % 2 === 1 ? sides : sides.toReversed()) await measure(side, samples, context, round);
    }
    return samples.measurements("holdfast");
  },
};

/** One of the systems measured, as processes of its own. */
interface Side {
  readonly name: string;
  start(directory: string, signal: AbortSignal): Promise<RunningSide>;
}

interface RunningSide {
  ask(request: PlansRequest): Promise<PlansAnswer>;
  stop(): Promise<void>;
}

async function measure(side: Side, samples: Samples, context: BenchmarkContext, round: number): Promise<void> {
  const { signal, seconds, progress } = context;
  signal.throwIfAborted();
  const directory = mkdtempSync(join(realDisk(), "holdfast-plans-"));
  const running = await side.start(directory, signal);
  try {
    await running.ask({ kind: "burst", plans: plansAtOnce / 10 });
    const burst = await running.ask({ kind: "burst", plans: plansAtOnce });
    const sequence = await running.ask({ kind: "sequence", ms: seconds * 1_000 });
    if (burst.kind !== "burst" || sequence.kind !== "sequence") throw new Error("an answer to another question");
    const stepsPerSecond = (plansAtOnce * stepsPerPlan * 1_000) / burst.ms;
    const times = sequence.planMs.toSorted((left, right) => left - right);
    const stepMs = times[times.length >> 1]! / stepsPerPlan;
    const p99 = times[Math.floor(times.length * 0.99)]! / stepsPerPlan;
    const all = `${plansAtOnce} plans of ${stepsPerPlan} steps at once`;
    const alone = `one plan of ${stepsPerPlan} steps after another`;
    samples.add(side.name, { case: all, unit: "steps/s", better: "higher" }, stepsPerSecond);
    samples.add(side.name, { case: all, unit: "MiB at most", better: "lower" }, burst.maxRssMiB);
    samples.add(side.name, { case: alone, unit: "ms a step, p50", better: "lower" }, stepMs);
    samples.add(side.name, { case: alone, unit: "ms a step, p99", better: "lower" }, p99);
    progress(
      `round ${round}, ${side.name}: ${stepsPerSecond.toFixed(0)} steps/s, ${burst.maxRssMiB.toFixed(0)} MiB ` +
        `(${burst.heapAfterMiB.toFixed(0)} MiB in use after it); alone ${stepMs.toFixed(2)} ms a step`,
    );
  } finally {
    await running.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

const holdfast: Side = {
  name: "holdfast",
  async start(directory, signal) {
    const ports = (await freePorts(3)).map(String);
    const children = ports.map((_, at) => {
      const own = join(directory, `m${at}`);
      mkdirSync(own);
      return child("plans-holdfast.ts", [String(at), own, ...ports], signal);
    });
    await Promise.all(children.map((each) => each.ready));
    return {
      ask: (request) => children[0]!.ask(request),
      stop: async () => void (await Promise.all(children.map((each) => each.stop()))),
    };
  },
};

const dbos: Side = {
  name: "dbos",
  async start(directory, signal) {
    const [port = 0] = await freePorts(1);
    const database = startPostgresql(directory, port);
    try {
      const url = `postgresql://postgres@127.0.0.1:${port}/dbos`;
      await listening(port, database);
      const worker = child("plans-dbos.ts", [url], signal);
      await worker.ready;
      return {
        ask: (request) => worker.ask(request),
        async stop() {
          await worker.stop();
          await database.stop();
        },
      };
    } catch (error) {
      await database.stop();
      throw error;
    }
  },
};

/** As Debian sets it up, on a disk that it syncs to. initdb and the server refuse root. */
function startPostgresql(directory: string, port: number): ServerProcess {
  const [bin] = globSync("/usr/lib/postgresql/*/bin");
  const data = join(directory, "data");
  mkdirSync(data);
  const isRoot = process.getuid?.() === 0;
  const as = isRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
  if (isRoot) {
    const id = (flag: string): number => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout);
    for (const owned of [directory, data]) chownSync(owned, id("-u"), id("-g"));
  }
  const [command, ...before] = [...as, `${bin}/initdb`];
  const made = spawnSync(command, [...before, "-D", data, "-A", "trust", "-U", "postgres"], {
    encoding: "utf8",
    cwd: directory,
  });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const [program, ...options] = [...as, `${bin}/postgres`];
  const line = ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", directory];
  return startServer(program, [...options, ...line], join(directory, "postgresql.log"));
}

async function listening(port: number, database: ServerProcess): Promise<void> {
  const giveUpAt = performance.now() + 30_000;
  for (;;) {
    database.check();
    const asked = spawnSync("pg_isready", ["-h", "127.0.0.1", "-p", String(port), "-q"]);
    if (asked.status === 0) return;
    if (performance.now() > giveUpAt) throw new Error("PostgreSQL did not start within 30 s");
  }
}

interface Child {
  readonly ready: Promise<PlansAnswer>;
  ask(request: PlansRequest): Promise<PlansAnswer>;
  stop(): Promise<void>;
}

/** A process that answers one request at a time. */
function child(script: string, args: readonly string[], signal: AbortSignal): Child {
  const process = fork(join(import.meta.dirname, script), args, {
    execArgv: ["--conditions=source", "--expose-gc"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const stopNow = (): void => void process.kill("SIGKILL");
  signal.addEventListener("abort", stopNow, { once: true });
  const gone = once(process, "exit").then(([code]) => {
    signal.removeEventListener("abort", stopNow);
    throw new Error(`${script} ended by itself (${String(code)})`);
  });
  gone.catch(() => undefined);
  const next = async (): Promise<PlansAnswer> => {
    const [message] = (await Promise.race([once(process, "message"), gone])) as [PlansAnswer];
    return message;
  };
  return {
    ready: next(),
    ask(request) {
      const answer = next();
      process.send(request);
      return answer;
    },
    async stop() {
      if (process.connected) process.disconnect();
      const kill = setTimeout(stopNow, 10_000);
      await gone.catch(() => undefined);
      clearTimeout(kill);
    },
  };
}
