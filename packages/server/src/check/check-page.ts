import { createHash } from "node:crypto";
import type { HistoryEvent } from "holdfast/proof";
import { pageData, type Highlight } from "./page-data.ts";
import { drawTimeline } from "./page-drawing.ts";
import { axisTicks, endOf, firstAfter, lanesOf, nearestTo } from "./page-lanes.ts";
import { startPage } from "./page-script.ts";
import { pageStyle } from "./page-style.ts";

export interface CheckPageOptions {
  /** The history's file. */
  readonly name: string;
  readonly model: string;
  readonly verdict: "ok" | "violation" | "unknown";
  readonly explanation: string;
  /** The line of the operation that fits nowhere. */
  readonly violationLine?: number;
  readonly highlights?: readonly Highlight[];
  /** Default 20 000: the page has no more. */
  readonly maxOperations?: number;
}

/**
 * A history as one HTML page that needs nothing else: its script and style stand in it, and its policy lets it load
 * and send nothing.
 */
export function checkPage(events: readonly HistoryEvent[], options: CheckPageOptions): string {
  const { name, model, verdict, explanation } = options;
  const data = pageData(events, options);
  const tools = { lanesOf, firstAfter, nearestTo, axisTicks, endOf, drawTimeline };
  const script = `"use strict";
const tools = (() => {
${Object.values(tools).map(String).join("\n")}
return { ${Object.keys(tools).join(", ")} };
})();
(${startPage.toString()})(window, JSON.parse(document.getElementById("data").textContent), tools);
`;
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(pageStyle)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const shown = data.line.length;
  const part = shown < data.total ? `; the page shows ${shown} of them${partOf(data.violation, data.keys)}` : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(`${verdict}: ${name}`)}</title>
<link rel="icon" href="data:,">
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1><span class="verdict ${verdict}">${verdict}</span>${escapeHtml(name)}</h1>
<p class="muted">Model ${escapeHtml(model)}, ${data.total} operations${escapeHtml(part)}.</p>
${explanationOf(explanation)}
</header>
<main>
<div class="tools">
<label>Key <select id="key"></select></label>
<label>Process <select id="process"></select></label>
<label>Mark <select id="highlight"></select></label>
<button id="zoom-in">Zoom in</button>
<button id="zoom-out">Zoom out</button>
<button id="zoom-all">Show all</button>
<button id="to-violation">Show violation</button>
</div>
<div class="chart">
<canvas id="timeline" tabindex="0" role="application" aria-label="Timeline of the operations, a lane for each process" aria-describedby="hint"></canvas>
<p id="empty" class="muted" hidden>No operation matches the filters.</p>
<div id="tip" hidden><dl id="tip-values"></dl></div>
</div>
<ul class="legend">
<li><span class="ok"></span>ok</li>
<li><span class="fail"></span>failed: did not happen</li>
<li><span class="unknown"></span>unknown: open to the end</li>
<li><span class="violation"></span>✕ explained by no order</li>
<li><span class="order"></span>marked, in order</li>
</ul>
<div class="panels">
<section aria-live="polite" aria-labelledby="selected">
<h2 id="selected">Operation</h2>
<p id="hint" class="muted">Click an operation, or focus the timeline: <kbd>←</kbd> <kbd>→</kbd> the process's next,
<kbd>↑</kbd> <kbd>↓</kbd> another process, <kbd>+</kbd> <kbd>-</kbd> zoom, <kbd>0</kbd> all, <kbd>v</kbd> violation,
<kbd>Esc</kbd> none. Drag or shift and wheel to move, ctrl and wheel to zoom.</p>
<dl id="details"></dl>
</section>
<section aria-labelledby="marked">
<h2 id="marked">Marked</h2>
<pre id="highlight-detail"></pre>
</section>
</div>
</main>
<script type="application/json" id="data">${jsonForHtml(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** The first line says it; what follows it is long. */
function explanationOf(explanation: string): string {
  const [first = "", ...rest] = explanation.split("\n");
  if (rest.length === 0) return `<pre>${escapeHtml(first)}</pre>`;
  return `<details><summary>${escapeHtml(first)}</summary><pre>${escapeHtml(rest.join("\n"))}</pre></details>`;
}

function partOf(violation: number, keys: readonly string[]): string {
  if (violation === -1) return ", the first";
  return keys.length === 1
    ? `, those of key ${JSON.stringify(keys[0])} nearest the violation`
    : ", nearest the violation";
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => entities[char] ?? "");
}

/** A value of the history must not end the element it stands in. */
function jsonForHtml(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
