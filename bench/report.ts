import { styleText } from "node:util";
import type { Measurement } from "./benchmark.ts";
import type { Environment } from "./environment.ts";

/** A measurement with Holdfast's ratio to the best peer: above 1, Holdfast is better; null where there is no peer to run. */
export interface Row extends Measurement {
  readonly ratio: number | null;
}

/** What `--json` prints. */
export interface BenchmarkReport {
  readonly bench: string;
  readonly environment: Environment;
  readonly rows: readonly Row[];
}

export function compare(measurement: Measurement): Row {
  const values = Object.values(measurement.peers);
  if (values.length === 0) return { ...measurement, ratio: null };
  const ratio =
    measurement.better === "higher" ? measurement.ours / Math.max(...values) : Math.min(...values) / measurement.ours;
  return { ...measurement, ratio };
}

export function renderReport({ bench, environment, rows }: BenchmarkReport): string {
  const peers = [...new Set(rows.flatMap((row) => Object.keys(row.peers)))];
  const header = [bench, "unit", "holdfast", ...peers, "ratio", ""];
  const cells = rows.map((row) => [
    row.case,
    row.unit,
    significant(row.ours),
    ...peers.map((peer) => (row.peers[peer] === undefined ? "" : significant(row.peers[peer]))),
    row.ratio === null ? "" : row.ratio.toFixed(2),
    row.ratio === null ? "" : row.ratio >= 1 ? "better" : "worse",
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  const render = (line: readonly string[]): string =>
    line
      .map((text, column) =>
        column < 2 || column === line.length - 1
          ? text.padEnd(widths[column] ?? 0)
          : text.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [
    styleText("bold", render(header)),
    ...cells.map(render),
    "",
    `${environment.cpu}, ${environment.cores} cores, ${environment.memoryGiB} GiB, ${environment.platform}, ` +
      `Node ${environment.node}, load before ${environment.loadBefore.toFixed(2)}`,
    "ratio: against the best peer, above 1 means Holdfast is better",
  ].join("\n");
}

function significant(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value.toPrecision(3);
}
