import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Series } from "../model/series.ts";
import { clockText } from "../parts/number-text.ts";
import type { LineChartProps } from "./line-chart.tsx";

const maxRows = 12;

/** A chart's values for those who read or hear them: the latest first, evenly from what it shows. Made when it is opened. */
export function ChartTable({
  title,
  series,
  lines,
  shown,
  spanS,
}: Pick<LineChartProps, "title" | "series" | "lines" | "shown" | "version" | "spanS">): JSX.Element {
  const isOpen = useSignal(false);
  return (
    <details class="chart-table" onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>
        Table<span class="unseen"> of {title}</span>
      </summary>
      {isOpen.value && (
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              {lines.map(({ label }) => (
                <th scope="col" class="number" key={label}>
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rowsOf(series, spanS).map((row) => (
              <tr key={row}>
                <th scope="row">{clockText((series?.columns[0]?.[row] ?? 0) * 1000).slice(0, 8)}</th>
                {lines.map(({ label, column }) => (
                  <td class="number" key={label}>
                    {shown(series?.columns[column]?.[row] ?? null)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </details>
  );
}

/** Indexes of the points that stand in the table. */
function rowsOf(series: Series | undefined, spanS: number): number[] {
  const times = series?.columns[0] ?? [];
  const last = times.length - 1;
  const since = (times[last] ?? 0) - spanS;
  const first = Math.max(
    0,
    times.findIndex((time) => (time ?? 0) >= since),
  );
  const count = Math.min(maxRows, last - first + 1);
  return Array.from({ length: Math.max(0, count) }, (_, at) =>
    count === 1 ? last : Math.round(last - (at / (count - 1)) * (last - first)),
  );
}
