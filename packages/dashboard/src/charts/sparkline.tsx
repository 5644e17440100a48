import type { JSX } from "preact";
import type { Series } from "../model/series.ts";

const width = 120;
const height = 26;
const maxShown = 120;

/** The last two minutes of two values, the second of them, failures, in front. Words beside it say what counts. */
export function Sparkline({
  series,
  columns,
}: {
  readonly series: Series | undefined;
  readonly columns: readonly [number, number];
}): JSX.Element {
  const [first, second] = columns.map((at) => series?.columns[at]?.slice(-maxShown) ?? []);
  const most = Math.max(
    1e-9,
    ...(first ?? []).map((value) => value ?? 0),
    ...(second ?? []).map((value) => value ?? 0),
  );
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="spark-all" d={areaOf(first ?? [], most)} />
      <path class="spark-failed" d={areaOf(second ?? [], most)} />
    </svg>
  );
}

function areaOf(values: readonly (number | null)[], most: number): string {
  if (values.length < 2) return "";
  const step = width / (maxShown - 1);
  const start = width - (values.length - 1) * step;
  const points = values.map((value, at) => {
    const y = height - ((value ?? 0) / most) * (height - 1);
    return `${(start + at * step).toFixed(1)} ${y.toFixed(1)}`;
  });
  return `M${start.toFixed(1)} ${height}L${points.join("L")}L${width} ${height}Z`;
}
