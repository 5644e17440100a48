import { randomInt } from "node:crypto";
import { InvalidArgumentError } from "holdfast/errors/base";
import {
  checkExpectations,
  keyDistributions,
  loadMeasureNames,
  loadMeasures,
  parseExpectation,
  ycsbWorkloads,
  type Expectation,
  type LoadReport,
  type PayloadSize,
  type TimelineEntry,
} from "holdfast/proof";
import { loadProtocols, putWorkload, runClusterLoad } from "../load/cluster-load.ts";
import { readRate, readValueBytes } from "../load/load-line.ts";
import { number, renderLoad } from "../load/render-load.ts";
import { askCluster, clientOptions, explainClientError } from "./ask-cluster.ts";
import { clientIdentity, identityOptions } from "./client-options.ts";
import { defineCommand, type Command } from "./command.ts";
import { exitCodes, failure, usageError } from "./exit.ts";
import { prefixEnd } from "./key-bytes.ts";
import { choice, flag, integer, text, type Option, type OptionValues } from "./option.ts";
import { optionName } from "./parse-line.ts";
import { stopSignal } from "./stop-signal.ts";
import type { Terminal } from "./terminal.ts";

const workloads = { ...ycsbWorkloads, put: putWorkload };
const names = Object.keys(workloads) as (keyof typeof workloads)[];

const valueBytes: Option<PayloadSize> = {
  placeholder: "N",
  help: "the size of values, or 100..1000 for sizes between",
  default: { type: "constant", bytes: 1000 },
  defaultText: "1000",
  read: (value, source) => {
    const size = readValueBytes(value);
    if (size !== undefined) return size;
    throw usageError(`${source} must be bytes like 1000 or 100..1000, at most 1048576 (got ${JSON.stringify(value)})`);
  },
};

const operationMeasure = /^(read|update|insert|scan|readModifyWrite)\.(\w+)$/;

const expect: Option<readonly Expectation[]> = {
  placeholder: "RULE,RULE",
  help: "what must be measured for exit code 0, such as p99Ms<50,errorRatio<0.01",
  default: [],
  defaultText: "none",
  read: (value, source) =>
    value.split(",").map((part) => {
      const expectation = readExpectation(part, source);
      const [, , own] = operationMeasure.exec(expectation.measure) ?? [];
      if (!loadMeasureNames.includes(own ?? expectation.measure)) {
        throw usageError(`${source} names ${expectation.measure}; there are ${loadMeasureNames.join(", ")}`);
      }
      return expectation;
    }),
};

function readExpectation(part: string, source: string): Expectation {
  try {
    return parseExpectation(part);
  } catch (error) {
    if (!InvalidArgumentError.is(error)) throw error;
    throw usageError(`${source} must be rules like p99Ms<50, separated by commas (got ${JSON.stringify(part)})`);
  }
}

const loadOptions = {
  workload: choice({ choices: names, default: "a", help: "a to f as YCSB has them, or put: writes alone" }),
  rate: text({
    placeholder: "N",
    help: "operations a second, 1000 when absent; 100..2000 rises, 100,500 goes in steps",
  }),
  duration: integer({
    placeholder: "SECONDS",
    min: 1,
    max: 86_400,
    default: 10,
    help: "what is measured",
  }),
  warmUp: integer({
    placeholder: "SECONDS",
    min: 0,
    max: 3600,
    default: 1,
    help: "load before that, which does not count",
  }),
  mode: choice({
    choices: ["open", "closed"],
    default: "open",
    placeholder: "MODE",
    help: "open: at the rate, whoever waits; closed: each client waits for its answer",
  }),
  arrivals: choice({
    choices: ["constant", "poisson"],
    default: "constant",
    placeholder: "HOW",
    help: "evenly, or by chance as users come: poisson",
  }),
  clients: integer({ min: 1, max: 1024, default: 8, help: "clients with connections of their own" }),
  thinkMs: integer({ min: 0, max: 3_600_000, default: 0, help: "closed: the pause after each answer" }),
  maxInFlight: integer({
    min: 1,
    max: 1_000_000,
    default: 10_000,
    help: "open: more than so many at once are dropped, and counted",
  }),
  records: integer({ min: 1, max: 10_000_000, default: 1000, help: "keys that are there at first" }),
  keys: choice({
    choices: ["own", ...keyDistributions],
    default: "own",
    placeholder: "HOW",
    help: `which keys: ${keyDistributions.join(", ")}, or the workload's own`,
  }),
  valueBytes,
  expect,
  protocol: choice({
    choices: loadProtocols,
    default: "gateway",
    help: "gateway: the JSON gateway, also etcd's; holdfast: its own protocol",
  }),
  seed: integer({ min: 0, max: Number.MAX_SAFE_INTEGER, help: "repeats what was drawn" }),
  keep: flag("leave the keys in the cluster"),
  ...clientOptions,
} as const;

export const loadCommand: Command = defineCommand({
  name: "load",
  summary: "put a cluster under load, and measure what its users wait",
  examples: [
    "holdfast load",
    "holdfast load --workload put --rate 500 --duration 60 --expect 'p99Ms<50,errorRatio<0.01'",
    "holdfast load --workload b --rate 100..5000 --arrivals poisson   # where does it break?",
    "holdfast load --mode closed --clients 64 --json",
  ],
  options: loadOptions,
  async run({ options, terminal }) {
    const { workload: name, mode, protocol, timeoutMs, json } = options;
    const workload = workloads[name];
    const durationMs = options.duration * 1000;
    if (mode === "closed" && options.rate !== undefined) throw usageError("--rate is of --mode open");
    if (mode === "open" && options.thinkMs > 0) throw usageError("--think-ms is of --mode closed");
    const rate = options.rate ?? "1000";
    const ratePerSecond = readRate(rate, durationMs);
    if (ratePerSecond === undefined) {
      throw usageError(
        `--rate must be operations a second like 1000, 100..2000 or 100,500, at most 1000000 (got ${JSON.stringify(rate)})`,
      );
    }
    const identity = clientIdentity(options);
    if (protocol === "holdfast") checkOwnProtocol(options.endpoints, identity.tls);
    const seed = options.seed ?? randomInt(2 ** 32);
    const prefix = `load/${seed}/`;
    const stop = stopSignal();
    const prefixBytes = Buffer.from(prefix);
    // Nobody is there, or nobody lets us in: better said before than ten thousand times after.
    await askCluster(options, (client) => client.range({ key: prefixBytes }));
    const speed = mode === "open" ? `${rate}/s` : `${options.clients} clients in turn`;
    terminal.err(`${name}: ${workload.description}; ${speed} for ${options.duration} s, seed ${seed}`);

    let report: LoadReport;
    try {
      report = await runClusterLoad({
        endpoints: options.endpoints,
        protocol,
        ...identity,
        timeoutMs,
        workload,
        records: options.records,
        keys: options.keys === "own" ? workload.keys : { type: options.keys },
        payload: options.valueBytes,
        prefix,
        seed,
        clients: options.clients,
        run: {
          mode,
          durationMs,
          warmUpMs: options.warmUp * 1000,
          ...(mode === "open"
            ? { ratePerSecond, arrivals: options.arrivals, maxInFlight: options.maxInFlight }
            : { thinkTimeMs: options.thinkMs }),
          ...(terminal.live ? { onInterval: (entry: TimelineEntry) => terminal.err(progress(entry)) } : {}),
        },
        stop,
        say: (line) => terminal.err(line),
      });
    } catch (error) {
      if (stop.aborted) throw failure("stopped before the load began");
      throw explainClientError(error);
    } finally {
      if (!options.keep) await cleanUp(options, prefixBytes, terminal);
    }

    const expectations =
      options.expect.length === 0 ? undefined : checkExpectations(loadMeasures(report), options.expect);
    if (json) {
      const { verdict = null, results = [] } = expectations ?? {};
      terminal.document({ workload: name, protocol, seed, verdict, expectations: results, ...report });
    } else for (const line of renderLoad(name, report, expectations, terminal)) terminal.out(line);
    terminal.err(`Repeat: npx holdfast load${again(options)} --seed ${seed}`);
    const isFine = expectations === undefined ? report.succeeded > 0 : expectations.verdict === "passed";
    return isFine ? exitCodes.ok : exitCodes.failed;
  },
});

function checkOwnProtocol(endpoints: readonly string[], tls: ReturnType<typeof clientIdentity>["tls"]): void {
  if (!endpoints.some((endpoint) => endpoint.startsWith("https:"))) return;
  if (tls?.ca !== undefined && tls.cert !== undefined) return;
  throw usageError("--protocol holdfast in TLS needs --cacert, --cert and --key");
}

async function cleanUp(
  options: Parameters<typeof askCluster>[0],
  prefix: Uint8Array,
  terminal: Terminal,
): Promise<void> {
  try {
    await askCluster(options, (client) => client.deleteRange({ key: prefix, rangeEnd: prefixEnd(prefix) }));
  } catch (error) {
    const key = Buffer.from(prefix).toString();
    terminal.err(`the keys are still there: ${(error as Error).message}\nLater: npx holdfast del ${key} --prefix`);
  }
}

function progress({ atMs, forMs, succeeded, failed, dropped, p99Ms }: TimelineEntry): string {
  const rate = forMs > 0 ? (succeeded / forMs) * 1000 : 0;
  const trouble = failed + dropped > 0 ? `   ${failed} failed, ${dropped} dropped` : "";
  const tail = p99Ms === null ? "-" : `${number(p99Ms)} ms`;
  return `${String(Math.round((atMs + forMs) / 1000)).padStart(5)} s   ${number(rate)}/s   p99 ${tail}${trouble}`;
}

/** Who asks stays out of sight, and the seed is told with every run. */
const unrepeated: ReadonlySet<string> = new Set(["seed", "json", ...Object.keys(identityOptions)]);

/** What differs from the defaults, for doing it again; as whom to ask is as before. */
function again(options: OptionValues<typeof loadOptions>): string {
  return Object.entries(loadOptions)
    .flatMap(([key, option]) => {
      const value = options[key as keyof typeof loadOptions];
      if (value === undefined || value === option.default || unrepeated.has(key)) return [];
      return [value === true ? optionName(key) : `${optionName(key)} ${lineValue(value)}`];
    })
    .map((part) => ` ${part}`)
    .join("");
}

/** An option's value as it would stand on the line. */
function lineValue(value: string | number | boolean | PayloadSize | readonly (string | Expectation)[]): string {
  if (typeof value !== "object") return String(value);
  if ("type" in value) {
    if (value.type === "constant") return String(value.bytes);
    return value.type === "uniform" ? `${value.minBytes}..${value.maxBytes}` : String(value.maxBytes);
  }
  const rules = value.map((each) => (typeof each === "string" ? each : `${each.measure}${each.operator}${each.value}`));
  const list = rules.join(",");
  return /[<>]/.test(list) ? `'${list}'` : list;
}
