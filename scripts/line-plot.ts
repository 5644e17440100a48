/** One line of a plot. */
export interface Series {
  readonly name: string;
  /** x is positive and drawn on a logarithmic axis. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
}

const panelSize = { width: 300, height: 220, left: 36, right: 14, top: 34, bottom: 34 } as const;
const legendHeight = 26;
/** Told apart by people who see few colours (Okabe and Ito), on white and on black. */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"] as const;

/** Panels side by side with one legend, as SVG. Text takes the page's colour, so that it is read on any background. */
export function linePlot(title: string, panels: readonly Panel[]): string {
  const width = panels.length * panelSize.width;
  const height = panelSize.height + legendHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>text{font:11px system-ui,sans-serif;fill:#333}.t{font-weight:600}.g{stroke:#8886;stroke-width:.5}path{fill:none;stroke-width:1.8}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>`,
    ...panels.map((panel, at) => `<g transform="translate(${at * panelSize.width} 0)">${drawPanel(panel)}</g>`),
    drawLegend(panels[0]?.series ?? []),
    "</svg>",
    "",
  ].join("\n");
}

function drawPanel({ title, series }: Panel): string {
  const { width, height, left, right, top, bottom } = panelSize;
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].toSorted((a, b) => a - b);
  const [least, most] = [Math.log(xs[0] ?? 1), Math.log(xs.at(-1) ?? 2)];
  const step = niceStep(Math.max(...series.flatMap(({ points }) => points.map(([, y]) => y))) / 4);
  const highest = step * Math.ceil(Math.max(...series.flatMap(({ points }) => points.map(([, y]) => y))) / step);
  const atX = (x: number): string =>
    (left + ((Math.log(x) - least) / (most - least || 1)) * (width - left - right)).toFixed(1);
  const atY = (y: number): string => (height - bottom - (y / highest) * (height - top - bottom)).toFixed(1);
  const lines: string[] = [`<text class="t" x="${left}" y="18">${escapeXml(title)}</text>`];
  for (let y = 0; y <= highest + step / 2; y += step) {
    lines.push(`<line class="g" x1="${left}" x2="${width - right}" y1="${atY(y)}" y2="${atY(y)}"/>`);
    lines.push(`<text x="${left - 5}" y="${Number(atY(y)) + 4}" text-anchor="end">${Number(y.toPrecision(3))}</text>`);
  }
  for (const x of xs) lines.push(`<text x="${atX(x)}" y="${height - bottom + 16}" text-anchor="middle">${x}</text>`);
  for (const [at, { points }] of series.entries()) {
    const path = points.map(([x, y], place) => `${place === 0 ? "M" : "L"}${atX(x)} ${atY(y)}`).join("");
    lines.push(`<path stroke="${colourOf(at)}" d="${path}"/>`);
    for (const [x, y] of points) lines.push(`<circle cx="${atX(x)}" cy="${atY(y)}" r="2.4" fill="${colourOf(at)}"/>`);
  }
  return lines.join("");
}

function drawLegend(series: readonly Series[]): string {
  const entries = series.map(({ name }, at) => {
    const x = panelSize.left + at * 100;
    const y = panelSize.height + 12;
    return `<circle cx="${x}" cy="${y - 4}" r="4" fill="${colourOf(at)}"/><text x="${x + 9}" y="${y}">${escapeXml(name)}</text>`;
  });
  return `<g>${entries.join("")}</g>`;
}

/** The next of 1, 2, 5, 10, … */
function niceStep(rough: number): number {
  const unit = 10 ** Math.floor(Math.log10(rough));
  return unit * ([1, 2, 5, 10].find((factor) => factor * unit >= rough) ?? 10);
}

function colourOf(at: number): string {
  return colours[at % colours.length]!;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
