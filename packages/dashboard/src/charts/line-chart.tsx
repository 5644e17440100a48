import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { colourOf, coloursVersion } from "../browser/theme.ts";
import type { FaultRegion } from "../model/fault-regions.ts";
import type { Series } from "../model/series.ts";
import { ChartTable } from "./chart-table.tsx";

/** One line: which column of the series, its name, the property of its colour, and its dashes. */
export interface ChartLine {
  readonly column: number;
  readonly label: string;
  readonly colour: string;
  readonly dash?: readonly number[];
}

export interface LineChartProps {
  readonly title: string;
  readonly series: Series | undefined;
  readonly lines: readonly ChartLine[];
  readonly regions: readonly FaultRegion[];
  /** A value in words, with its unit. */
  readonly shown: (value: number | null) => string;
  readonly height?: number;
  /** Changes when the series has grown, which is the same object all the time. */
  readonly version: number;
  /** How much of the past is shown, in seconds. */
  readonly spanS: number;
}

/** Lines over time, with the faults as bands behind them. The caption has the last values in words, a table those before. */
export function LineChart(props: LineChartProps): JSX.Element {
  const { title, series, lines, shown, spanS } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const colours = coloursVersion.value;
  const labels = lines.map(({ label }) => label).join("|");

  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const made = new UPlot(optionsOf(latest, current.clientWidth), dataOf(latest.current), current);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      const { height = defaultHeight } = latest.current;
      if (current.clientWidth !== made.width) made.setSize({ width: current.clientWidth, height });
    });
    observer.observe(current);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [colours, labels]);

  useEffect(() => plot.current?.setData(dataOf(latest.current)), [series, props.version, props.regions, spanS]);

  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        {lines.map(({ column, label, colour, dash }) => (
          <span class="chart-value" key={label}>
            <svg width="18" height="8" aria-hidden="true">
              <path
                d="M0 4h18"
                stroke={`var(${colour})`}
                stroke-width="2"
                stroke-dasharray={dash?.join(" ") ?? "none"}
              />
            </svg>
            {label} {shown(series?.columns[column]?.at(-1) ?? null)}
          </span>
        ))}
      </figcaption>
      <div ref={place} class="chart-plot" aria-hidden="true" />
      <ChartTable title={title} series={series} lines={lines} shown={shown} version={props.version} spanS={spanS} />
    </figure>
  );
}

const defaultHeight = 130;
const leastSpanS = 30;

function dataOf({ series, lines }: LineChartProps): UPlot.AlignedData {
  const times = (series?.columns[0] ?? []) as number[];
  return [times, ...lines.map(({ column }) => (series?.columns[column] ?? []) as (number | null)[])];
}

function optionsOf(latest: { readonly current: LineChartProps }, width: number): UPlot.Options {
  const { lines, height = defaultHeight } = latest.current;
  const axis: UPlot.Axis = {
    stroke: colourOf("--muted"),
    grid: { stroke: colourOf("--line"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  return {
    width,
    height,
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      // As long as the data are: uPlot itself would give a first point that is alone a whole day.
      x: {
        range: ({ data: [times] }) => {
          const last = times.at(-1) ?? 0;
          return [Math.min(Math.max(times[0] ?? 0, last - latest.current.spanS), last - leastSpanS), last];
        },
      },
      y: { range: (_plot, _min, max) => [0, max == null || max <= 0 ? 1 : max * 1.1] },
    },
    axes: [
      {
        ...axis,
        space: 54,
        size: 26,
        values: (_plot, splits, _axis, _space, step) =>
          splits.map((at) => (step < 60 ? secondText : minuteText).format(at * 1000)),
      },
      {
        ...axis,
        size: 62,
        space: 28,
        values: (_plot, splits) => once(splits.map((value) => latest.current.shown(value))),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, colour, dash }) => ({
        label,
        stroke: colourOf(colour),
        width: 1.75,
        points: { show: false },
        ...(dash === undefined ? {} : { dash: Array.from(dash) }),
      })),
    ],
    hooks: { drawClear: [(plot) => drawRegions(plot, latest.current.regions)] },
  };
}

/** Small counts would stand there twice, rounded. */
function once(texts: readonly string[]): string[] {
  return texts.map((text, at) => (at > 0 && texts[at - 1] === text ? "" : text));
}

const minuteText = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const secondText = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

function drawRegions(plot: UPlot, regions: readonly FaultRegion[]): void {
  const { ctx: context, bbox } = plot;
  const { min, max } = plot.scales["x"] ?? {};
  if (min == null || max == null) return;
  context.save();
  context.beginPath();
  context.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  context.clip();
  // A line that was drawn before may have been dashed.
  context.setLineDash([]);
  context.fillStyle = colourOf("--region");
  context.strokeStyle = colourOf("--warn");
  for (const { fromMs, toMs } of regions) {
    const from = plot.valToPos(Math.max(min, fromMs / 1000), "x", true);
    const to = toMs === null ? bbox.left + bbox.width : plot.valToPos(Math.min(max, toMs / 1000), "x", true);
    if (to < bbox.left || from > bbox.left + bbox.width) continue;
    context.fillRect(from, bbox.top, Math.max(2, to - from), bbox.height);
    context.beginPath();
    context.moveTo(from, bbox.top);
    context.lineTo(from, bbox.top + bbox.height);
    context.stroke();
  }
  context.restore();
}
