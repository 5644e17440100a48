import type { DrillFault, DrillSeries } from "./drill-report.ts";
import { escapeMarkup } from "./markup-text.ts";

const size = { width: 920, height: 180, left: 60, right: 10, top: 10, bottom: 24 } as const;
const inner = { width: size.width - size.left - size.right, height: size.height - size.top - size.bottom } as const;

/** One series over time as SVG, with the faults as bands behind it. */
export function seriesChart(series: DrillSeries, faults: readonly DrillFault[]): string {
  const { points, name, unit } = series;
  const ends = faults.map(({ atMs, lastedMs }) => atMs + (lastedMs ?? 0));
  const lastMs = niceAbove(Math.max(1, points.at(-1)?.[0] ?? 0, ...ends));
  const most = niceAbove(Math.max(1, ...points.map(([, value]) => value)));
  const x = (atMs: number): number => Math.round(size.left + (atMs / lastMs) * inner.width);
  const y = (value: number): number => Math.round(size.top + inner.height * (1 - value / most));
  const bands = faults.map(({ id, target, atMs, lastedMs }) => {
    const width = Math.max(2, x(atMs + (lastedMs ?? lastMs - atMs)) - x(atMs));
    const title = escapeMarkup(`${id} on ${target}`);
    return `<rect class="band" x="${x(atMs)}" y="${size.top}" width="${width}" height="${inner.height}"><title>${title}</title></rect>`;
  });
  const path = points.map(([atMs, value], at) => `${at === 0 ? "M" : "L"}${x(atMs)} ${y(value)}`).join("");
  const rows = [0, most / 2, most].map(
    (value) =>
      `<line class="grid" x1="${size.left}" x2="${size.width - size.right}" y1="${y(value)}" y2="${y(value)}"/>` +
      `<text x="${size.left - 6}" y="${y(value) + 4}" text-anchor="end">${value}</text>`,
  );
  const marks = [0, lastMs / 4, lastMs / 2, (lastMs * 3) / 4, lastMs].map((atMs) => {
    // The last one stands at the very edge.
    const anchor = atMs === lastMs ? "end" : "middle";
    return `<text x="${x(atMs)}" y="${size.height - 6}" text-anchor="${anchor}">${atMs / 1000} s</text>`;
  });
  const label = escapeMarkup(`${name} (${unit})`);
  return (
    `<figure><figcaption>${label}</figcaption>` +
    `<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${label} over time">` +
    `${bands.join("")}${rows.join("")}${marks.join("")}<path class="line" d="${path}"/></svg></figure>`
  );
}

/** 1, 2 or 5 times a power of ten, at least as much. */
export function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((nice) => nice >= value) ?? 10 * power;
}
