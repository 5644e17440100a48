import type { Measurement } from "./benchmark.ts";
import { horizonOf, type Results, type Setting } from "./predictor-evaluate.ts";
import {
  alarmLevel,
  brier,
  calibration,
  calibrationError,
  calibrationErrorByChance,
  calibrationErrorByState,
  leadTime,
  reliability,
  rocAuc,
} from "./predictor-score.ts";

export interface Figure extends Omit<Measurement, "case" | "ours" | "peers"> {
  readonly metric: string;
  readonly value: number;
}

const falseAlarms = 0.05;
/** With fewer in the runs held out, figures would be chance. */
const leastOnsets = 5;

/** The figures of one contender, kind by kind; of a kind with too little data none, and it is said why. */
export function figuresOf(
  name: string,
  setting: Setting,
  { kinds, missing }: Results,
  progress: (line: string) => void,
): Figure[] {
  const figures: Figure[] = [];
  for (const [kind, { training, runs }] of kinds) {
    const lacking = missing.find((each) => each.kind === kind);
    const all = runs.flat();
    const quiet = all.filter(({ exceeded }) => !exceeded);
    const lead = leadTime(runs, alarmLevel(training, falseAlarms), horizonOf(setting), setting.stepMs);
    if (lacking !== undefined || lead.onsets < leastOnsets) {
      const why =
        lacking === undefined
          ? `${lead.onsets} of ${leastOnsets} onsets in the runs held out`
          : `${lacking.examples} of ${lacking.minExamples} examples, ${lacking.episodes} of ${lacking.minEpisodes} episodes`;
      progress(`${name}: ${kind}: not enough data: ${why}`);
      continue;
    }
    const add = (metric: string, unit: string, better: "lower" | "higher", value: number): void => {
      figures.push({ metric: `${kind}: ${metric}`, unit, better, value });
    };
    add("ROC AUC", "", "higher", rocAuc(all));
    add("ROC AUC while quiet", "", "higher", rocAuc(quiet));
    add("Brier score", "", "lower", brier(all));
    add("reliability", "", "lower", reliability(all));
    add("calibration error", "", "lower", calibrationError(all));
    add("calibration error by state", "", "lower", calibrationErrorByState(all));
    add("lead time", "s", "higher", lead.meanMs / 1000);
    add("onsets foreseen", "", "higher", lead.foreseen);
    const share = all.filter(({ happened }) => happened).length / all.length;
    progress(
      `${name}: ${kind}: AUC ${rocAuc(all).toFixed(3)}, while quiet ${rocAuc(quiet).toFixed(3)}, ` +
        `Brier ${brier(all).toFixed(4)}, of which reliability ${reliability(all).toFixed(5)}, ` +
        `calibration error ${calibrationError(all).toFixed(3)} (by chance alone ` +
        `${calibrationErrorByChance(runs, horizonOf(setting)).toFixed(3)}), by state ` +
        `${calibrationErrorByState(all).toFixed(3)}, ` +
        `${(100 * lead.foreseen).toFixed(0)} % of ${lead.onsets} onsets foreseen ${(lead.meanMs / 1000).toFixed(1)} s ` +
        `ahead with ${(100 * lead.falseAlarms).toFixed(1)} % false alarms; it happened in ${(100 * share).toFixed(1)} % ` +
        `of ${all.length} steps`,
    );
    const bins = calibration(all).map(
      ({ count, predicted, happened }) => `${predicted.toFixed(2)}→${happened.toFixed(2)} (${count})`,
    );
    progress(`  said → happened: ${bins.join(", ")}`);
  }
  return figures;
}

/** Rows of each contender that is no baseline, beside those that are. */
export function rowsOf(
  figures: ReadonlyMap<string, readonly Figure[]>,
  baselines: readonly string[],
  prefix: string,
): Measurement[] {
  const rows: Measurement[] = [];
  for (const [name, own] of figures) {
    if (baselines.includes(name)) continue;
    for (const { metric, unit, better, value } of own) {
      const peers = Object.fromEntries(baselines.map((peer) => [peer, valueOf(figures, peer, metric)]));
      rows.push({ case: `${prefix}${name}: ${metric}`, unit, better, ours: value, peers });
    }
  }
  return rows;
}

function valueOf(figures: ReadonlyMap<string, readonly Figure[]>, name: string, metric: string): number {
  const found = figures.get(name)?.find((figure) => figure.metric === metric);
  if (found === undefined) throw new Error(`${metric} was not measured of ${name}`);
  return found.value;
}
