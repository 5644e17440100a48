import type { PageContext } from "./page-browser.ts";
import type { PageData } from "./page-data.ts";
import type { Lane } from "./page-lanes.ts";

/** What of the timeline is seen. */
export interface View {
  from: number;
  to: number;
  /** How far down the lanes are scrolled. */
  scroll: number;
  width: number;
  height: number;
  selected: number;
  hovered: number;
  /** Which highlight is drawn; -1 for none. */
  highlight: number;
}

export interface Drawing {
  readonly data: PageData;
  readonly lanes: readonly Lane[];
  readonly view: View;
  readonly colour: (name: string) => string;
  readonly firstAfter: (data: PageData, lane: Lane, time: number) => number;
  readonly axisTicks: (from: number, to: number, most: number) => number[];
}

/** Where things are, in pixels. */
export interface Metrics {
  readonly labelWidth: number;
  readonly axisHeight: number;
  readonly laneHeight: number;
}

/** Draws what is seen, and nothing else: its cost is bounded by the pixels. Runs in the page. */
export function drawTimeline(context: PageContext, drawing: Drawing, metrics: Metrics): void {
  const { data, lanes, view, colour, firstAfter, axisTicks } = drawing;
  const { labelWidth, axisHeight, laneHeight } = metrics;
  const chart = Math.max(1, view.width - labelWidth);
  const xOf = (time: number): number => labelWidth + ((time - view.from) / (view.to - view.from)) * chart;
  const yOf = (lane: number): number => axisHeight + lane * laneHeight - view.scroll;
  const marked = new Set(data.highlights[view.highlight]?.operations);
  const font = "11px ui-monospace, monospace";

  function drawAxis(): void {
    context.font = font;
    context.textBaseline = "middle";
    context.textAlign = "center";
    for (const tick of axisTicks(view.from, view.to, chart / 110)) {
      const x = Math.round(xOf(tick)) + 0.5;
      context.strokeStyle = colour("--line");
      context.beginPath();
      context.moveTo(x, axisHeight - 5);
      context.lineTo(x, view.height);
      context.stroke();
      context.fillStyle = colour("--muted");
      const text = String(Number(tick.toPrecision(12)));
      context.fillText(data.unit === "ms" ? `${text} ms` : `#${text}`, x, axisHeight / 2);
    }
  }

  function drawOperation(operation: number, y: number, left: number, right: number): void {
    const outcome = data.outcome[operation];
    const isViolation = operation === data.violation;
    const base = isViolation ? "--violation" : outcome === 0 ? "--ok" : outcome === 1 ? "--fail" : "--unknown";
    const width = Math.max(2, right - left);
    const [top, height] = [y + 3, laneHeight - 6];
    context.fillStyle = colour(base);
    context.strokeStyle = colour(base);
    context.lineWidth = 1;
    context.globalAlpha = outcome === 0 ? 1 : 0.25;
    if (outcome !== 1) context.fillRect(left, top, width, height);
    context.globalAlpha = 1;
    if (outcome === 1) context.strokeRect(left + 0.5, top + 0.5, Math.max(1, width - 1), height - 1);
    if (outcome === 2) {
      // No line at the right: it is open.
      context.setLineDash([4, 3]);
      context.beginPath();
      context.moveTo(left + width, top + 0.5);
      context.lineTo(left + 0.5, top + 0.5);
      context.lineTo(left + 0.5, top + height - 0.5);
      context.lineTo(left + width, top + height - 0.5);
      context.stroke();
      context.setLineDash([]);
    }
    if (isViolation || operation === view.selected || operation === view.hovered) {
      context.strokeStyle = colour(isViolation && operation !== view.selected ? "--violation" : "--text");
      context.lineWidth = 2;
      context.strokeRect(left - 1, top - 1, width + 2, height + 2);
    }
    // A mark stands at the beginning of most of what is marked.
    const textLeft = Math.max(left, labelWidth) + (marked.has(operation) ? 13 : 4);
    const room = Math.floor((Math.min(right, view.width) - textLeft - 4) / 6.7);
    context.textAlign = "left";
    context.fillStyle = colour(outcome === 0 ? "--on-bar" : "--text");
    if (isViolation && room < 3 && width >= 10) context.fillText("✕", left + width / 2 - 4, y + laneHeight / 2);
    if (room < 3) return;
    const argument = data.input[operation] ?? "";
    const answer = outcome === 0 ? (data.output[operation] ?? "") : outcome === 1 ? "failed" : "?";
    const label = `${isViolation ? "✕ " : ""}${data.functions[data.f[operation] ?? 0] ?? ""}(${argument})${answer === "" ? "" : ` → ${answer}`}`;
    context.fillText(label.length > room ? `${label.slice(0, room - 1)}…` : label, textLeft, y + laneHeight / 2);
  }

  function drawLane(lane: Lane, y: number): void {
    let painted = -1;
    for (let place = firstAfter(data, lane, view.from); place < lane.operations.length; place++) {
      const operation = lane.operations[place] ?? 0;
      const left = xOf(data.from[operation] ?? 0);
      if (left > view.width) break;
      const right = data.outcome[operation] === 2 ? view.width : xOf(data.to[operation] ?? 0);
      const special = operation === data.violation || operation === view.selected || marked.has(operation);
      // What would only paint over pixels that are painted already is left out.
      if (right <= painted && !special) continue;
      drawOperation(operation, y, left, right);
      painted = Math.max(painted, Math.ceil(Math.max(right, left + 2)));
    }
  }

  function drawHighlight(): void {
    const laneOf = new Map(lanes.map((lane, index) => [lane.process, index]));
    const shown = data.highlights[view.highlight]?.operations ?? [];
    let time = -Infinity;
    const points = shown.flatMap((operation, index) => {
      const from = data.from[operation] ?? 0;
      const end = data.outcome[operation] === 2 ? Infinity : (data.to[operation] ?? 0);
      // In an order each takes effect after the one before it, and within its call.
      time = Math.min(Math.max(time, from), end);
      const at = laneOf.get(data.process[operation] ?? 0) ?? -1;
      const lane = lanes[at];
      if (lane === undefined) return [];
      // Narrowed by key, the lane may lack it; one that ends as it begins may stand before it.
      const place = firstAfter(data, lane, from);
      if (!lane.operations.slice(place, place + 2).includes(operation)) return [];
      return [{ x: xOf(time), y: yOf(at) + laneHeight / 2, number: index + 1 }];
    });
    context.strokeStyle = colour("--order");
    context.fillStyle = colour("--order");
    context.lineWidth = 1.5;
    context.beginPath();
    for (const [index, { x, y }] of points.entries()) {
      if (index === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
    context.stroke();
    context.textAlign = "center";
    for (const { x, y, number } of points) {
      context.fillStyle = colour("--order");
      context.beginPath();
      context.arc(x, y, number < 100 ? 8 : 11, 0, 7);
      context.fill();
      context.fillStyle = colour("--on-order");
      context.fillText(String(number), x, y + 0.5);
    }
  }

  context.clearRect(0, 0, view.width, view.height);
  drawAxis();
  const first = Math.max(0, Math.floor(view.scroll / laneHeight));
  const last = Math.min(lanes.length, Math.ceil((view.scroll + view.height - axisHeight) / laneHeight));
  context.save();
  context.beginPath();
  context.rect(0, axisHeight, view.width, view.height - axisHeight);
  context.clip();
  for (let index = first; index < last; index++) {
    context.fillStyle = colour("--line");
    context.fillRect(0, yOf(index + 1) - 1, view.width, 1);
  }
  context.save();
  context.beginPath();
  context.rect(labelWidth, axisHeight, chart, view.height - axisHeight);
  context.clip();
  for (let index = first; index < last; index++) {
    const lane = lanes[index];
    if (lane !== undefined) drawLane(lane, yOf(index));
  }
  if (view.highlight !== -1) drawHighlight();
  context.restore();
  context.fillStyle = colour("--muted");
  context.textAlign = "left";
  for (let index = first; index < last; index++) {
    context.fillText(`process ${lanes[index]?.process ?? ""}`, 8, yOf(index) + laneHeight / 2);
  }
  context.restore();
}
