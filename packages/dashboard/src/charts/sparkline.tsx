import type { JSX } from "preact";
import type { Series } from "../model/series.ts";

const width = 120;
const height = 26;
const maxShown = 120;

/**
 * The last two minutes of two values: calls and failures as areas, or two quantiles as lines, the second in front. Words
 * beside it say what counts.
 */
export function Sparkline({
  series,
  columns,
  shape,
}: {
  readonly series: Series | undefined;
  readonly columns: readonly [number, number];
  readonly shape: "areas" | "lines";
}): JSX.Element {
  const [first = [], second = []] = columns.map((at) => series?.columns[at]?.slice(-maxShown) ?? []);
  const most = Math.max(1e-9, ...first.map((value) => value ?? 0), ...second.map((value) => value ?? 0));
  const drawn = shape === "areas" ? areaOf : lineOf;
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <path class={shape === "areas" ? "spark-all" : "spark-half"} d={drawn(first, most)} />
      <path class={shape === "areas" ? "spark-failed" : "spark-most"} d={drawn(second, most)} />
    </svg>
  );
}

/** Without a value there is no line. */
function lineOf(values: readonly (number | null)[], most: number): string {
  const step = width / (maxShown - 1);
  const start = width - (values.length - 1) * step;
  let pen = "M";
  let path = "";
  for (const [at, value] of values.entries()) {
    if (value === null) pen = "M";
    else {
      path += `${pen}${(start + at * step).toFixed(1)} ${(height - 1 - (value / most) * (height - 2)).toFixed(1)}`;
      pen = "L";
    }
  }
  return path;
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
