import { InvalidArgumentError } from "holdfast/errors/base";
import { chaosKinds, type ChaosKind } from "holdfast/proof";
import { chaosScenario, type ChaosDrill } from "../drill/chaos-scenario.ts";
import { exitCodes, usageError, type ExitCode } from "./exit.ts";
import { flag, integer, text, type Option } from "./option.ts";
import type { Terminal } from "./terminal.ts";

type Range = readonly [from: number, to: number];
type Rates = Readonly<Partial<Record<ChaosKind, string>>>;

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function readTime(value: string): number | undefined {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value) ?? [];
  return digits === undefined ? undefined : Number(digits) * (unitMs[unit] ?? Number.NaN);
}

function readRange(value: string, source: string): Range {
  const [from, to, ...rest] = value.split("..").map(readTime);
  if (from !== undefined && to !== undefined && to >= from && rest.length === 0) return [from, to];
  throw usageError(`${source} must be a span like 1s..5s (got ${JSON.stringify(value)})`);
}

const rates: Option<Rates> = {
  placeholder: "KIND=RATE,…",
  help: `chaos: how often each of ${chaosKinds.join(", ")} comes, such as kill=2/min`,
  default: { kill: "4/min", latency: "4/min", partition: "2/min", resource: "2/min", clock: "2/min" },
  defaultText: "kill=4/min, latency=4/min, partition=2/min, resource=2/min, clock=2/min",
  read: (value, source) =>
    Object.fromEntries(
      value.split(",").map((part) => {
        const [, kind = "", rate] = /^(\w+)=(.+)$/.exec(part.trim()) ?? [];
        if (rate !== undefined && chaosKinds.some((known) => known === kind)) return [kind, rate];
        throw usageError(
          `${source} must be like kill=2/min, of ${chaosKinds.join(", ")} (got ${JSON.stringify(part)})`,
        );
      }),
    ) as Rates,
};

const lasting: Option<Range> = {
  placeholder: "FROM..TO",
  help: "chaos: how long faults last",
  default: [1_000, 5_000],
  defaultText: "1s..5s",
  read: readRange,
};

const windows: Option<readonly Range[]> = {
  placeholder: "FROM..TO,…",
  help: "chaos: when faults may begin, from the start",
  default: [],
  defaultText: "all the time",
  read: (value, source) => value.split(",").map((part) => readRange(part.trim(), source)),
};

/** What `drill chaos` takes besides. */
export const chaosOptions: {
  readonly rates: Option<Rates>;
  readonly lasting: Option<Range>;
  readonly windows: Option<readonly Range[]>;
  readonly maxTargets: Option<number>;
  readonly abortUnless: Option<string | undefined>;
  readonly dryRun: Option<boolean>;
} = {
  rates,
  lasting,
  windows,
  maxTargets: integer({ min: 1, max: 7, default: 1, help: "chaos: members struck at once; a majority never is" }),
  abortUnless: text({
    placeholder: "RULE",
    help: "chaos: give up as soon as this is not so, such as 'writeMs < 5000'",
  }),
  dryRun: flag("chaos: print what it is going to do, and do nothing"),
};

interface ChaosValues {
  readonly rates: Rates;
  readonly lasting: Range;
  readonly windows: readonly Range[];
  readonly maxTargets: number;
  readonly abortUnless: string | undefined;
  readonly dryRun: boolean;
}

interface SharedValues {
  readonly nodes: number | undefined;
  readonly seconds: number | undefined;
  readonly clients: number | undefined;
}

const usual = { nodes: 3, seconds: 60, clients: 8 } as const;

/** @throws ExitError (usage) */
export function drawChaos(options: ChaosValues & SharedValues, seed: number): ChaosDrill {
  const { nodes = usual.nodes, seconds = usual.seconds, clients = usual.clients } = options;
  const [from, to] = options.lasting;
  try {
    return chaosScenario({
      nodes,
      clients,
      seed,
      lengthMs: seconds * 1000,
      rates: options.rates,
      durationsMs: Object.fromEntries(chaosKinds.map((kind) => [kind, [Math.max(1, from), Math.max(1, to)]])),
      ...(options.windows.length === 0 ? {} : { windowsMs: options.windows }),
      maxTargets: options.maxTargets,
      ...(options.abortUnless === undefined ? {} : { abortUnless: [options.abortUnless] }),
    });
  } catch (error) {
    if (InvalidArgumentError.is(error)) throw usageError(error.message);
    throw error;
  }
}

/** Only chaos can do nothing: another drill would begin. @throws ExitError (usage) */
export function refuseChaosOptions({ dryRun, abortUnless }: ChaosValues): void {
  if (dryRun) throw usageError("--dry-run is for chaos: what other drills do is written in them");
  if (abortUnless !== undefined)
    throw usageError("--abort-unless is for chaos: other drills have abortUnless in their file");
}

export function printPlan({ plan }: ChaosDrill, seed: number, json: boolean, terminal: Terminal): ExitCode {
  if (json) {
    terminal.document({ drill: "chaos", seed, faults: plan.faults, withheld: plan.withheld });
    return exitCodes.ok;
  }
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1).padStart(7)} s`;
  for (const { afterMs, forMs = 0, kind, targets, parameters } of plan.faults) {
    const what = Object.entries(parameters).map(([name, value]) => ` ${name}=${String(value)}`);
    terminal.out(`${seconds(afterMs)}  ${String(targets)}  ${kind} for ${(forMs / 1000).toFixed(1)} s${what.join("")}`);
  }
  for (const { atMs, kind, why } of plan.withheld) terminal.err(`${seconds(atMs)}  no ${kind}: ${why}`);
  terminal.err(`${plan.faults.length} faults, ${plan.withheld.length} withheld; the same with --seed ${seed}`);
  return exitCodes.ok;
}

/** What to give again to have the same plan. */
export function chaosAgain(options: ChaosValues): string {
  const span = ([from, to]: Range): string => `${from}ms..${to}ms`;
  const given: string[] = [];
  if (options.rates !== rates.default) {
    const list = Object.entries(options.rates).map(([kind, rate]) => `${kind}=${rate}`);
    given.push(`--rates ${list.join(",")}`);
  }
  if (options.lasting !== lasting.default) given.push(`--lasting ${span(options.lasting)}`);
  if (options.windows.length > 0) given.push(`--windows ${options.windows.map(span).join(",")}`);
  if (options.maxTargets !== 1) given.push(`--max-targets ${options.maxTargets}`);
  if (options.abortUnless !== undefined) given.push(`--abort-unless '${options.abortUnless}'`);
  return given.map((each) => ` ${each}`).join("");
}
