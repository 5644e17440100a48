import type { JSX } from "preact";
import type { Series } from "../model/series.ts";

const width = 120;
const height = 26;
const shownS = 120;

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
  const times = series?.columns[0] ?? [];
  const last = times.at(-1) ?? 0;
  const from = times.findLastIndex((atS) => (atS ?? 0) < (last ?? 0) - shownS) + 1;
  const places = times.slice(from).map((atS) => width * (1 - ((last ?? 0) - (atS ?? 0)) / shownS));
  const [first = [], second = []] = columns.map((at) => series?.columns[at]?.slice(from) ?? []);
  const most = Math.max(1e-9, ...first.map((value) => value ?? 0), ...second.map((value) => value ?? 0));
  const drawn = shape === "areas" ? areaOf : lineOf;
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <path class={shape === "areas" ? "spark-all" : "spark-half"} d={drawn(places, first, most)} />
      <path class={shape === "areas" ? "spark-failed" : "spark-most"} d={drawn(places, second, most)} />
    </svg>
  );
}

/** Without a value there is no line. */
function lineOf(places: readonly number[], values: readonly (number | null)[], most: number): string {
  let pen = "M";
  let path = "";
  for (const [at, value] of values.entries()) {
    if (value === null) pen = "M";
    else {
      path += `${pen}${place(places, at)} ${(height - 1 - (value / most) * (height - 2)).toFixed(1)}`;
      pen = "L";
    }
  }
  return path;
}

function areaOf(places: readonly number[], values: readonly (number | null)[], most: number): string {
  if (values.length < 2) return "";
  const points = values.map((value, at) => {
    const y = height - ((value ?? 0) / most) * (height - 1);
    return `${place(places, at)} ${y.toFixed(1)}`;
  });
  return `M${place(places, 0)} ${height}L${points.join("L")}L${width} ${height}Z`;
}

function place(places: readonly number[], at: number): string {
  return (places[at] ?? width).toFixed(1);
}
