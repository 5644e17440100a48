import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  measureHealing,
  measureScale,
  measureSlowness,
  type SlownessOptions,
} from "../test/simulation/membership/experiments.ts";
import { linePlot, type Series } from "./line-plot.ts";

const usage = `node --conditions=source scripts/membership-simulation.ts [--json] [--plot FILE] [--sizes 10,100] [--seeds N]

What SWIM with Lifeguard costs and finds in simulated clusters, Lifeguard's own experiment, and how soon cuts are over.

  --json       print one JSON document
  --plot FILE  draw detection and load over the size of the cluster, as SVG
  --sizes LIST members (default 10,32,100,320,1000,2000)
  --seeds N    runs of each, fewer of the largest; figures are medians (default 9)`;

const losses = [0, 0.05, 0.1, 0.2] as const;
const slowMembers = [2, 4, 8, 16, 32] as const;
/** Members, how many of them are cut off, and for how long; runs for each of `--seeds`, of which large ones get fewer. */
const cuts = [
  [3, 1, 15_000],
  [3, 1, 300_000],
  [5, 2, 15_000],
  [16, 5, 20_000],
  [40, 13, 30_000],
] as const;

interface ScaleRow {
  readonly members: number;
  readonly loss: number;
  readonly runs: number;
  readonly firstSuspectMs: number;
  readonly firstFailedMs: number;
  /** From the first member that declares the failed one dead to the last that knows. */
  readonly spreadMs: number;
  readonly packetsPerMemberSecond: number;
  readonly joinMs: number;
  readonly falsePositives: number;
}

interface SlownessRow {
  readonly manner: string;
  readonly slow: number;
  readonly plainFalse: number;
  readonly ourFalse: number;
  readonly plainFirstFailedMs: number;
  readonly ourFirstFailedMs: number;
}

interface HealingRow {
  readonly members: number;
  readonly minority: number;
  readonly cutMs: number;
  readonly runs: number;
  readonly medianMs: number;
  readonly mostMs: number;
}

process.exitCode = main();

function main(): number {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        json: { type: "boolean", default: false },
        plot: { type: "string" },
        sizes: { type: "string", default: "10,32,100,320,1000,2000" },
        seeds: { type: "string", default: "9" },
        help: { type: "boolean", short: "h", default: false },
      },
    }));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const sizes = values.sizes.split(",").map(Number);
  const seeds = Number(values.seeds);
  if (![...sizes, seeds].every((value) => Number.isSafeInteger(value) && value > 0) || sizes.includes(1)) {
    console.error(`--sizes and --seeds are positive integers, of at least 2 members\n\n${usage}`);
    return 2;
  }
  const scale = sizes.flatMap((members) => losses.map((loss) => scaleRow(members, loss, seeds)));
  const slowness = slowMembers.map((slow) => slownessRow(slow, Math.min(seeds, 5)));
  if (values.plot !== undefined) writeFileSync(values.plot, plot(scale));
  const healing = cuts.map((cut) => healingRow(cut, seeds));
  const all = { scale, slowness, healing };
  console.log(values.json ? JSON.stringify(all, undefined, 2) : tables(scale, slowness, healing));
  return 0;
}

function scaleRow(members: number, loss: number, seeds: number): ScaleRow {
  const runs = Math.max(1, Math.min(seeds, Math.floor((seeds * 400) / members)));
  const startedAt = performance.now();
  const results = Array.from({ length: runs }, (_, at) =>
    measureScale({ size: members, seed: at + 1, loss, quietMs: 10_000 }),
  );
  console.error(
    `${members} members, loss ${loss}: ${runs} runs in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`,
  );
  return {
    members,
    loss,
    runs,
    firstSuspectMs: median(results.map((result) => result.firstSuspectMs)),
    firstFailedMs: median(results.map((result) => result.firstFailedMs)),
    spreadMs: median(results.map((result) => result.allFailedMs - result.firstFailedMs)),
    packetsPerMemberSecond: median(results.map((result) => result.packetsPerSecond)),
    joinMs: median(results.map((result) => result.joinMs)),
    falsePositives: sum(results.map((result) => result.falsePositives)),
  };
}

/** 128 members, 120 s; the slow ones are mute for 16 s, then well for 4 s, over and over. */
function slownessRow(slow: number, seeds: number): SlownessRow {
  const options = { size: 128, slow, slowMs: 16_000, restMs: 4_000, durationMs: 120_000, manner: "slow" } as const;
  const run = (swim: SlownessOptions["swim"]): ReturnType<typeof measureSlowness>[] =>
    Array.from({ length: seeds }, (_, at) => measureSlowness({ ...options, seed: at + 1, ...(swim && { swim }) }));
  const [plain, ours] = [run({ lifeguard: false, stallAware: false }), run(undefined)];
  console.error(`${slow} slow members of 128: done`);
  return {
    manner: options.manner,
    slow,
    plainFalse: sum(plain.map((result) => result.falseAtHealthy)),
    ourFalse: sum(ours.map((result) => result.falseAtHealthy)),
    plainFirstFailedMs: median(plain.map((result) => result.firstFailedMs)),
    ourFirstFailedMs: median(ours.map((result) => result.firstFailedMs)),
  };
}

function healingRow([members, minority, cutMs]: (typeof cuts)[number], seeds: number): HealingRow {
  const runs = members > 20 ? Math.ceil(seeds / 2) : 4 * seeds;
  const agreed = Array.from(
    { length: runs },
    (_, at) => measureHealing({ size: members, minority, cutMs, seed: at + 1 }).agreedMs,
  );
  return { members, minority, cutMs, runs, medianMs: median(agreed), mostMs: Math.max(...agreed) };
}

function tables(scale: readonly ScaleRow[], slowness: readonly SlownessRow[], healing: readonly HealingRow[]): string {
  const rows = scale.map((row) => [
    row.members,
    `${row.loss * 100} %`,
    row.runs,
    seconds(row.firstSuspectMs),
    seconds(row.firstFailedMs),
    `${row.spreadMs.toFixed(0)} ms`,
    row.packetsPerMemberSecond.toFixed(1),
    `${row.joinMs.toFixed(0)} ms`,
    row.falsePositives,
  ]);
  const slow = slowness.map((row) => [
    row.slow,
    row.plainFalse,
    row.ourFalse,
    row.ourFalse === 0 ? `> ${row.plainFalse}` : (row.plainFalse / row.ourFalse).toFixed(0),
    seconds(row.plainFirstFailedMs),
    seconds(row.ourFirstFailedMs),
  ]);
  return [
    table(
      [
        "members",
        "loss",
        "runs",
        "suspected",
        "declared dead",
        "known to all after",
        "packets/s each",
        "join",
        "false",
      ],
      rows,
    ),
    "",
    table(
      ["slow of 128", "false, plain SWIM", "false, Lifeguard", "times fewer", "dead after, plain", "Lifeguard"],
      slow,
    ),
    "",
    table(
      ["members (cut off)", "cut for", "runs", "agreed after, median", "most"],
      healing.map((row) => [
        `${row.members} (${row.minority})`,
        seconds(row.cutMs),
        row.runs,
        seconds(row.medianMs),
        seconds(row.mostMs),
      ]),
    ),
  ].join("\n");
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---:")), ...rows.map(line)].join("\n");
}

function plot(scale: readonly ScaleRow[]): string {
  const byLoss = (value: (row: ScaleRow) => number): Series[] =>
    losses.map((loss) => ({
      name: `${loss * 100} % loss`,
      points: scale.filter((row) => row.loss === loss).map((row) => [row.members, value(row)] as const),
    }));
  return linePlot("SWIM with Lifeguard in simulation, by cluster size", [
    { title: "first suspicion after a failure, s", series: byLoss((row) => row.firstSuspectMs / 1_000) },
    { title: "packets a member sends in a second", series: byLoss((row) => row.packetsPerMemberSecond) },
    { title: "until all know a newcomer, ms", series: byLoss((row) => row.joinMs) },
  ]);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}
