import { text } from "node:stream/consumers";

const cell = { width: 8.4, height: 19, fontSize: 14 } as const;
const margin = 16;

/** SGR codes (ECMA-48, 8.3.117) that Holdfast's terminal output uses, by the class they set. */
const colours: Readonly<Record<number, string>> = {
  31: "red",
  32: "green",
  33: "yellow",
  34: "blue",
  35: "magenta",
  36: "cyan",
  90: "dim",
};

interface Style {
  readonly bold: boolean;
  readonly dim: boolean;
  readonly colour: string | undefined;
}

interface Run {
  readonly column: number;
  readonly text: string;
  readonly style: Style;
}

const plain: Style = { bold: false, dim: false, colour: undefined };

/** `capture` is lines of text with colours and weights as escape sequences; other sequences are left out. */
export function terminalPicture(capture: string, title: string): string {
  const lines = parseLines(capture);
  const columns = Math.max(0, ...lines.flatMap((runs) => runs.map((run) => run.column + widthOf(run.text))));
  const width = Math.ceil(2 * margin + columns * cell.width);
  const height = 2 * margin + lines.length * cell.height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="back" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...lines.flatMap((runs, row) => runs.map((run) => textElement(run, row))),
    "</svg>\n",
  ].join("\n");
}

const light = {
  back: "#ffffff",
  edge: "#d1d9e0",
  text: "#1f2328",
  dim: "#59636e",
  red: "#b3261e",
  green: "#116329",
  yellow: "#7a4e00",
  blue: "#0550ae",
  magenta: "#6639ba",
  cyan: "#0b6470",
};

const dark: typeof light = {
  back: "#0d1117",
  edge: "#3d444d",
  text: "#e6edf3",
  dim: "#9198a1",
  red: "#ff7b72",
  green: "#3fb950",
  yellow: "#e3b341",
  blue: "#79c0ff",
  magenta: "#d2a8ff",
  cyan: "#56d4dd",
};

function rules({ back, edge, text: foreground, ...others }: typeof light): string {
  const own = Object.entries(others).map(([name, colour]) => `.${name}{fill:${colour}}`);
  return `.back{fill:${back};stroke:${edge}}text{fill:${foreground}}${own.join("")}`;
}

const style: string =
  `text{font:${cell.fontSize}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}` +
  `.bold{font-weight:bold}${rules(light)}@media(prefers-color-scheme:dark){${rules(dark)}}`;

/** Each run is placed and stretched to its columns, so that a font with other widths does not bend the table. */
function textElement({ column, text: shown, style: { bold, dim, colour } }: Run, row: number): string {
  const x = (margin + column * cell.width).toFixed(1);
  const y = margin + row * cell.height + cell.fontSize;
  const length = (widthOf(shown) * cell.width).toFixed(1);
  const classes = [bold ? "bold" : "", dim ? "dim" : (colour ?? "")].filter((name) => name !== "").join(" ");
  const attribute = classes === "" ? "" : ` class="${classes}"`;
  return `<text x="${x}" y="${y}" textLength="${length}"${attribute}>${escapeXml(shown)}</text>`;
}

function parseLines(capture: string): Run[][] {
  let current = plain;
  const lines = capture.split("\n").map((line) => {
    const runs: Run[] = [];
    let column = 0;
    // oxlint-disable-next-line no-control-regex -- terminal output is text with escapes in it
    for (const part of line.split(/(\u001B\[[0-9;?]*[A-Za-z])/)) {
      // oxlint-disable-next-line no-control-regex -- as above
      const [, codes, final] = /^\u001B\[([0-9;?]*)([A-Za-z])$/.exec(part) ?? [];
      if (codes !== undefined) {
        if (final === "m") current = applyCodes(current, codes);
        continue;
      }
      for (const match of part.matchAll(/\S+(?: \S+)*/g)) {
        const [shown] = match;
        runs.push({ column: column + widthOf(part.slice(0, match.index)), text: shown, style: current });
      }
      column += widthOf(part);
    }
    return runs;
  });
  while (lines.at(-1)?.length === 0) lines.pop();
  return lines;
}

function applyCodes(style: Style, codes: string): Style {
  let next = style;
  for (const code of codes.split(";").map(Number)) {
    if (code === 0) next = plain;
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 2) next = { ...next, dim: true };
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 39) next = { ...next, colour: undefined };
    else if (colours[code] !== undefined) next = { ...next, colour: colours[code] };
  }
  return next;
}

/** Every character takes one column: Holdfast prints no wide ones. */
function widthOf(shown: string): number {
  return Array.from(shown).length;
}

function escapeXml(shown: string): string {
  return shown.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/**
 * Turns what a terminal shows into an SVG that follows the reader's light or dark scheme. The picture in the README:
 *
 *     tmux new-session -d -s up -x 88 -y 24 'npm start'      # kill a member, wait until it is back
 *     tmux capture-pane -t up -p -e | node scripts/terminal-picture.ts > docs/images/up.svg
 */
if (import.meta.main) {
  process.stdout.write(terminalPicture(await text(process.stdin), "holdfast up: a member was killed and is back"));
}
