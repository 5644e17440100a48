import { colourOf } from "../browser/theme.ts";
import type { EventEntry } from "../model/event-log.ts";
import type { FaultRegion } from "../model/fault-regions.ts";
import { collapsedScale, evenScale, type TimeScale } from "../model/time-scale.ts";
import { durationText } from "../parts/number-text.ts";

export interface TimelineContent {
  readonly entries: readonly EventEntry[];
  readonly regions: readonly FaultRegion[];
  readonly fromMs: number;
  readonly toMs: number;
  /** Leaves out times in which nothing happened. */
  readonly isCollapsed: boolean;
}

const axisHeight = 18;
const maxHeight = 180;
const tallRow = 16;
/** Rows lower than this have no name beside them. */
const namedRow = 11;

const rowsOf = new WeakMap<readonly EventEntry[], readonly string[]>();

/** The nodes in the order of their names, with numbers in order. Found once for each list. */
export function timelineRows(entries: readonly EventEntry[]): readonly string[] {
  const known = rowsOf.get(entries) ?? findRows(entries);
  rowsOf.set(entries, known);
  return known;
}

function findRows(entries: readonly EventEntry[]): readonly string[] {
  const names = new Set<string>();
  for (const { event } of entries) names.add(event.nodeId);
  return Array.from(names)
    .sort((a, b) => inOrder.compare(a, b))
    .slice(0, maxHeight);
}

const inOrder = new Intl.Collator("en", { numeric: true });

/** Where moments stand in the timeline's picture. */
export function timelineScale({ entries, regions, fromMs, toMs, isCollapsed }: TimelineContent): TimeScale {
  if (!isCollapsed) return evenScale(fromMs, toMs);
  const edges = regions.flatMap((region) => (region.toMs === null ? [region.fromMs] : [region.fromMs, region.toMs]));
  const times = [...entries.map(({ event }) => event.at), ...edges].sort((a, b) => a - b);
  return collapsedScale(times, fromMs, toMs);
}

export function timelineHeight(rows: number): number {
  return axisHeight + Math.min(maxHeight, Math.max(3, rows) * tallRow);
}

/** From the least to the worst: the worse, the taller. */
const marks = [
  { tone: "plain", colour: "--muted", share: 0.3 },
  { tone: "good", colour: "--good", share: 0.5 },
  { tone: "warn", colour: "--warn", share: 0.75 },
  { tone: "bad", colour: "--bad", share: 1 },
] as const;
const rankOf: ReadonlyMap<string, number> = new Map(marks.map(({ tone }, at) => [tone, at + 1]));

/** A mark for each event. Where several fall on the same place the worst is drawn. */
export function drawTimeline(canvas: HTMLCanvasElement, content: TimelineContent, rows: readonly string[]): void {
  const context = canvas.getContext("2d");
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (context === null || width === 0) return;
  const ratio = Math.min(2, window.devicePixelRatio);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const { entries, regions, fromMs, toMs } = content;
  const scale = timelineScale(content);
  const rowHeight = (height - axisHeight) / Math.max(3, rows.length);
  const left = timelineLeft(rows.length);
  const x = (atMs: number): number => left + Math.round(scale.share(atMs) * (width - left));
  const rowOf = new Map(rows.map((name, at) => [name, at]));

  context.fillStyle = colourOf("--region");
  for (const { fromMs: from, toMs: to } of regions) {
    if (from > toMs || (to ?? Infinity) < fromMs) continue;
    const start = Math.max(left, x(from));
    context.fillRect(start, 0, Math.max(2, Math.min(width, x(to ?? toMs)) - start), height - axisHeight);
  }

  drawAxis(context, { left, width, height }, scale);
  if (rowHeight >= namedRow) {
    context.fillStyle = colourOf("--muted");
    context.font = "10px system-ui, sans-serif";
    context.textAlign = "left";
    for (const [at, name] of rows.entries()) {
      context.fillText(name.slice(0, maxNameChars), 4, (at + 0.5) * rowHeight + 3.5, nameWidth - 8);
    }
  }

  const places = new Uint8Array(width * rows.length);
  for (const { event, tone } of entries) {
    const row = rowOf.get(event.nodeId);
    if (row === undefined || event.at < fromMs || event.at > toMs) continue;
    const place = row * width + Math.min(width - 1, x(event.at));
    const rank = rankOf.get(tone) ?? 1;
    if ((places[place] ?? 0) < rank) places[place] = rank;
  }
  for (const [at, { colour, share }] of marks.entries()) {
    context.fillStyle = colourOf(colour);
    const tall = Math.max(1, (rowHeight - 1) * share);
    for (let place = places.indexOf(at + 1); place !== -1; place = places.indexOf(at + 1, place + 1)) {
      const row = Math.floor(place / width);
      context.fillRect(place - row * width, row * rowHeight + (rowHeight - tall) / 2, 2, tall);
    }
  }
}

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** Where time begins, beside the names. */
export function timelineLeft(rows: number): number {
  return Math.min(maxHeight, Math.max(3, rows) * tallRow) / Math.max(3, rows) >= namedRow ? nameWidth : 0;
}

const nameWidth = 56;
const maxNameChars = 12;

interface Place {
  readonly left: number;
  readonly width: number;
  readonly height: number;
}

function drawAxis(context: CanvasRenderingContext2D, { left, width, height }: Place, scale: TimeScale): void {
  context.strokeStyle = colourOf("--line");
  context.fillStyle = colourOf("--muted");
  context.font = "10.5px system-ui, sans-serif";
  const ticks = Math.max(2, Math.floor(width / 120));
  const across = width - left - 1;
  for (let tick = 0; tick <= ticks; tick++) {
    const x = left + Math.round((tick / ticks) * across);
    line(context, x, height - axisHeight);
    context.textAlign = tick === 0 ? "left" : tick === ticks ? "right" : "center";
    context.fillText(clock.format(scale.at(tick / ticks)), x, height - 5);
  }
  context.save();
  context.strokeStyle = colourOf("--muted");
  context.textAlign = "center";
  for (const { share, leftOutMs } of scale.breaks) {
    const x = left + Math.round(share * across);
    context.setLineDash([2, 3]);
    line(context, x - 3, height - axisHeight);
    line(context, x + 3, height - axisHeight);
    context.setLineDash([]);
    const label = `⋯ ${durationText(leftOutMs)}`;
    const wide = context.measureText(label).width + 6;
    context.fillStyle = colourOf("--raised");
    context.fillRect(x - wide / 2, 1, wide, 14);
    context.fillStyle = colourOf("--muted");
    context.fillText(label, x, 11);
  }
  context.restore();
}

function line(context: CanvasRenderingContext2D, x: number, height: number): void {
  context.beginPath();
  context.moveTo(x + 0.5, 0);
  context.lineTo(x + 0.5, height);
  context.stroke();
}
