import type { AutoCompactionOptions } from "holdfast/coordination";
import { usageError } from "./exit.ts";
import { choice, text, type Option } from "./option.ts";

const modes = ["periodic", "revision"] as const;

/** How much history a node keeps, as etcd's options of the same name say it. */
export const compactionOptions: {
  readonly autoCompactionMode: Option<(typeof modes)[number]>;
  readonly autoCompactionRetention: Option<string | undefined>;
} = {
  autoCompactionMode: choice({
    choices: modes,
    default: "periodic",
    help: "periodic: keep the history of some time; revision: of so many revisions",
  }),
  autoCompactionRetention: text({
    placeholder: "TIME",
    help: "let older history go by itself: 30m, 1h, hours without a unit; or a number of revisions (default 0: none goes)",
  }),
};

interface CompactionValues {
  readonly autoCompactionMode: (typeof modes)[number];
  readonly autoCompactionRetention: string | undefined;
}

/** Undefined: history is kept until somebody compacts. @throws ExitError (usage) for a retention that is none */
export function autoCompaction(values: CompactionValues): AutoCompactionOptions | undefined {
  const { autoCompactionMode: mode, autoCompactionRetention: given } = values;
  if (given === undefined) {
    if (mode === "periodic") return undefined;
    throw usageError(`--auto-compaction-mode ${mode} needs --auto-compaction-retention N`);
  }
  if (/^0+$/.test(given)) return undefined;
  if (mode === "periodic") return { mode, retentionMs: readTime(given) };
  const retention = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
  if (retention >= 1) return { mode, retention };
  throw refused("a number of revisions, as --auto-compaction-mode is revision", given);
}

/** What gives the members of a cluster the same options. @throws ExitError, as `autoCompaction` does */
export function compactionLine(values: CompactionValues): readonly string[] {
  if (autoCompaction(values) === undefined) return [];
  const { autoCompactionMode, autoCompactionRetention } = values;
  return [
    `--auto-compaction-mode=${autoCompactionMode}`,
    `--auto-compaction-retention=${String(autoCompactionRetention)}`,
  ];
}

const unitMs = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** Hours without a unit, else as Go writes durations: `1h30m`, `1.5h`, `90s`. */
function readTime(given: string): number {
  if (!/^(?:\d+|(?:\d+(?:\.\d+)?(?:h|ms|m|s))+)$/.test(given)) throw refused("a time like 30m or 1h, or hours", given);
  const parts = [...given.matchAll(/([\d.]+)(h|ms|m|s)?/g)];
  const ms = parts.reduce(
    (sum, [, number, unit = "h"]) => sum + Number(number) * unitMs[unit as keyof typeof unitMs],
    0,
  );
  if (ms < 1_000 || ms > Number.MAX_SAFE_INTEGER) throw refused("1s or more", given);
  return Math.round(ms);
}

function refused(rule: string, given: string): Error {
  return usageError(`--auto-compaction-retention must be ${rule} (got ${JSON.stringify(given)})`);
}
