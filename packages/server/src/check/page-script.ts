import type { PageCanvas, PageElement, PageEvent, PageWindow } from "./page-browser.ts";
import type { PageData } from "./page-data.ts";
import type { drawTimeline, View } from "./page-drawing.ts";
import type { axisTicks, endOf, firstAfter, lanesOf, nearestTo } from "./page-lanes.ts";

/** The other functions that stand in the page. */
export interface PageTools {
  readonly lanesOf: typeof lanesOf;
  readonly firstAfter: typeof firstAfter;
  readonly nearestTo: typeof nearestTo;
  readonly axisTicks: typeof axisTicks;
  readonly endOf: typeof endOf;
  readonly drawTimeline: typeof drawTimeline;
}

/** Brings the page to life. Runs in the page: it stands there as text, and sees nothing but its arguments. */
export function startPage(window: PageWindow, data: PageData, tools: PageTools): void {
  const { document } = window;
  const metrics = { labelWidth: 92, axisHeight: 26, laneHeight: 24 };
  const element = (id: string): PageElement => document.getElementById(id) as PageElement;
  const canvas = element("timeline") as PageCanvas;
  const tip = element("tip");
  const keySelect = element("key");
  const processSelect = element("process");
  const highlightSelect = element("highlight");
  const length = tools.endOf(data) - data.start;
  // A little more at both ends, for the marks that stand there.
  const fullStart = data.start - length * 0.02;
  const fullSpan = length * 1.04;
  const fullEnd = fullStart + fullSpan;
  const view: View = {
    from: fullStart,
    to: fullEnd,
    scroll: 0,
    width: 1,
    height: 1,
    selected: -1,
    hovered: -1,
    highlight: -1,
  };
  /** What the page is about: the violation, or the first of what is marked. */
  const start = data.violation === -1 ? (data.highlights[0]?.operations[0] ?? -1) : data.violation;
  let lanes = tools.lanesOf(data, -1, -1);
  let colours = new Map<string, string>();
  let drawing = false;

  function colour(name: string): string {
    let value = colours.get(name);
    if (value === undefined) {
      value = window.getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      colours.set(name, value);
    }
    return value;
  }

  function redraw(): void {
    if (drawing) return;
    drawing = true;
    window.requestAnimationFrame(() => {
      drawing = false;
      const ratio = window.devicePixelRatio;
      const needed = metrics.axisHeight + metrics.laneHeight * Math.max(4, lanes.length);
      canvas.style.height = `${Math.min(needed, Math.max(220, window.innerHeight * 0.6))}px`;
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
      }
      view.width = width;
      view.height = height;
      keepInside();
      const context = canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      const { firstAfter, axisTicks } = tools;
      tools.drawTimeline(context, { data, lanes, view, colour, firstAfter, axisTicks }, metrics);
    });
  }

  const maxScroll = (): number =>
    Math.max(0, lanes.length * metrics.laneHeight - (canvas.clientHeight - metrics.axisHeight));

  function keepInside(): void {
    const span = Math.min(fullSpan, Math.max(view.to - view.from, fullSpan / 1e7));
    view.from = Math.min(Math.max(fullStart, view.from), fullEnd - span);
    view.to = view.from + span;
    view.scroll = Math.min(Math.max(0, view.scroll), maxScroll());
  }

  function zoom(factor: number, about = (view.from + view.to) / 2): void {
    view.from = about - (about - view.from) * factor;
    view.to = about + (view.to - about) * factor;
    keepInside();
    redraw();
  }

  function pan(pixels: number): void {
    const time = (pixels / Math.max(1, view.width - metrics.labelWidth)) * (view.to - view.from);
    view.from += time;
    view.to += time;
    keepInside();
    redraw();
  }

  const timeAt = (x: number): number =>
    view.from + ((x - metrics.labelWidth) / Math.max(1, view.width - metrics.labelWidth)) * (view.to - view.from);

  function operationAt(event: PageEvent): number {
    const { left, top } = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    if (x < metrics.labelWidth || y < metrics.axisHeight) return -1;
    const lane = lanes[Math.floor((y - metrics.axisHeight + view.scroll) / metrics.laneHeight)];
    return lane === undefined ? -1 : tools.nearestTo(data, lane, timeAt(x), timeAt(x + 4) - timeAt(x));
  }

  function describe(operation: number): readonly (readonly [string, string])[] {
    const outcome = data.outcome[operation] ?? 0;
    const key = data.keys[data.key[operation] ?? -1];
    const time = (value: number): string => (data.unit === "ms" ? `${value.toFixed(3)} ms` : `event ${value}`);
    const [from, to] = [data.from[operation] ?? 0, data.to[operation] ?? 0];
    const rows: [string, string][] = [
      ["Process", String(data.process[operation])],
      ["Function", data.functions[data.f[operation] ?? 0] ?? ""],
    ];
    if (key !== undefined) rows.push(["Key", key]);
    rows.push(["Argument", data.input[operation] || "none"]);
    rows.push([
      "Outcome",
      ["ok", "failed: it did not happen", "unknown: it may happen at any later time"][outcome] ?? "",
    ]);
    rows.push([outcome === 0 ? "Result" : "Reason", data.output[operation] || "none"]);
    rows.push(["Called", time(from)]);
    if (outcome !== 2)
      rows.push(["Returned", `${time(to)}, after ${data.unit === "ms" ? time(to - from) : to - from}`]);
    rows.push(["Line", String(data.line[operation])]);
    if (operation === data.violation) rows.push(["Violation", "no order explains this operation"]);
    return rows;
  }

  function listOf(rows: readonly (readonly [string, string])[], tag: string): PageElement[] {
    return rows.flatMap(([name, value]) => {
      const [term, text] = [document.createElement(tag), document.createElement("dd")];
      term.textContent = name;
      text.textContent = value;
      return [term, text];
    });
  }

  function select(operation: number, moveThere: boolean): void {
    view.selected = operation;
    const details = element("details");
    if (operation === -1) details.replaceChildren();
    else details.replaceChildren(...listOf(describe(operation), "dt"));
    element("hint").hidden = operation !== -1;
    if (operation !== -1 && moveThere) show(operation);
    redraw();
  }

  /** Moves the view so that the operation lies in it. */
  function show(operation: number): void {
    const from = data.from[operation] ?? 0;
    const span = view.to - view.from;
    if (from < view.from || from > view.to - span * 0.05) {
      view.from = from - span * 0.3;
      view.to = view.from + span;
    }
    const y = lanes.findIndex((lane) => lane.process === data.process[operation]) * metrics.laneHeight;
    const room = canvas.clientHeight - metrics.axisHeight - metrics.laneHeight;
    if (y < view.scroll || y > view.scroll + room) view.scroll = y - room / 2;
    keepInside();
  }

  /** Narrows the view to the operation and what lies around it. */
  function focusOn(operation: number): void {
    if (operation === -1) return;
    const place = data.from[operation] ?? 0;
    const around = (fullSpan * 40) / Math.max(40, data.line.length);
    const span = Math.min(fullSpan, Math.max(around, ((data.to[operation] ?? 0) - place) * 1.5));
    view.from = place - span * 0.6;
    view.to = view.from + span;
    select(operation, true);
  }

  function step(along: number, across: number): void {
    if (view.selected === -1) {
      // What the page is about may be filtered out.
      const isThere = lanes.some((lane) => lane.operations.includes(start));
      select(isThere ? start : (lanes[0]?.operations[0] ?? -1), true);
      return;
    }
    const at = lanes.findIndex((lane) => lane.process === data.process[view.selected]);
    const lane = lanes[at + across];
    if (lane === undefined) return;
    const next =
      across === 0
        ? lane.operations[lane.operations.indexOf(view.selected) + along]
        : tools.nearestTo(data, lane, data.from[view.selected] ?? 0, Infinity);
    if (next !== undefined && next !== -1) select(next, true);
  }

  function filter(): void {
    lanes = tools.lanesOf(data, Number(keySelect.value), Number(processSelect.value));
    element("empty").hidden = lanes.length > 0;
    if (!lanes.some((lane) => lane.operations.includes(view.selected))) select(-1, false);
    redraw();
  }

  function chooseHighlight(): void {
    view.highlight = Number(highlightSelect.value);
    element("highlight-detail").textContent = data.highlights[view.highlight]?.detail ?? "";
    redraw();
  }

  function fill(select: PageElement, all: string, names: readonly (readonly [number, string])[]): void {
    const option = (value: number, name: string): PageElement => {
      const made = document.createElement("option");
      made.value = String(value);
      made.textContent = name;
      return made;
    };
    select.replaceChildren(option(-1, all), ...names.map(([value, name]) => option(value, name)));
    select.disabled = names.length === 0;
  }

  const keys: Readonly<Record<string, () => void>> = {
    ArrowRight: () => step(1, 0),
    ArrowLeft: () => step(-1, 0),
    ArrowDown: () => step(0, 1),
    ArrowUp: () => step(0, -1),
    PageDown: () => pan(view.width * 0.8),
    PageUp: () => pan(view.width * -0.8),
    Home: () => pan(-1e9),
    End: () => pan(1e9),
    "+": () => zoom(0.5),
    "=": () => zoom(0.5),
    "-": () => zoom(2),
    "0": () => zoom(1e9),
    v: () => focusOn(start),
    Escape: () => select(-1, false),
  };

  canvas.addEventListener("keydown", (event) => {
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });

  let dragged = 0;
  let last = { x: 0, y: 0 };
  canvas.addEventListener("pointerdown", (event) => {
    dragged = 0;
    last = { x: event.clientX, y: event.clientY };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons === 1) {
      const [dx, dy] = [last.x - event.clientX, last.y - event.clientY];
      dragged += Math.abs(dx) + Math.abs(dy);
      last = { x: event.clientX, y: event.clientY };
      view.scroll += dy;
      pan(dx);
      return;
    }
    const hovered = operationAt(event);
    canvas.style.cursor = hovered === -1 ? "grab" : "pointer";
    tip.hidden = hovered === -1;
    if (hovered !== -1) {
      const { left, top } = canvas.getBoundingClientRect();
      const x = Math.min(event.clientX - left + 14, canvas.clientWidth - 300);
      tip.style.left = `${Math.max(0, x)}px`;
      tip.style.top = `${event.clientY - top + 18}px`;
      if (hovered !== view.hovered) element("tip-values").replaceChildren(...listOf(describe(hovered), "dt"));
    }
    if (hovered === view.hovered) return;
    view.hovered = hovered;
    redraw();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (dragged < 5) select(operationAt(event), false);
  });
  canvas.addEventListener("pointerleave", () => {
    tip.hidden = true;
    view.hovered = -1;
    redraw();
  });
  canvas.addEventListener(
    "wheel",
    (event) => {
      const pixels = event.deltaMode === 0 ? 1 : 24;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        zoom(1.0015 ** (event.deltaY * pixels), timeAt(event.clientX - canvas.getBoundingClientRect().left));
      } else if (event.shiftKey || event.deltaX !== 0) {
        event.preventDefault();
        pan((event.deltaX || event.deltaY) * pixels);
      } else if (maxScroll() > 0) {
        const before = view.scroll;
        view.scroll += event.deltaY * pixels;
        keepInside();
        // At the end of the lanes the page scrolls on.
        if (view.scroll !== before) event.preventDefault();
        redraw();
      }
    },
    { passive: false },
  );

  const buttons: readonly (readonly [string, () => void])[] = [
    ["zoom-in", () => zoom(0.5)],
    ["zoom-out", () => zoom(2)],
    ["zoom-all", () => zoom(1e9)],
    ["to-violation", () => focusOn(start)],
  ];
  for (const [id, action] of buttons) element(id).addEventListener("click", action);
  element("to-violation").disabled = start === -1;
  fill(keySelect, "all", Array.from(data.keys.entries()));
  const processes = Array.from(new Set(data.process)).sort((a, b) => a - b);
  fill(
    processSelect,
    "all",
    processes.map((process) => [process, String(process)]),
  );
  fill(
    highlightSelect,
    "none",
    data.highlights.map(({ title }, index) => [index, title]),
  );
  keySelect.addEventListener("change", filter);
  processSelect.addEventListener("change", filter);
  highlightSelect.addEventListener("change", chooseHighlight);
  window.addEventListener("resize", redraw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    colours = new Map();
    redraw();
  });
  const violationKey = data.key[data.violation];
  if (violationKey !== undefined && violationKey !== -1) {
    keySelect.value = String(violationKey);
    filter();
  }
  if (data.highlights.length > 0) {
    highlightSelect.value = "0";
    chooseHighlight();
  }
  focusOn(start);
  redraw();
}
