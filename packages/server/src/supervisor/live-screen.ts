import type { Terminal } from "../cli/terminal.ts";

/** Lines redrawn in place, below what the terminal already shows. */
export interface LiveScreen {
  /** Asks for a redraw soon; many requests within a tenth of a second are one. */
  refresh(): void;
  /** Draws once more and leaves the last picture standing. */
  close(): void;
}

const minRedrawMs = 100;
const sync = { begin: "\u001B[?2026h", end: "\u001B[?2026l" };
const cursor = { hide: "\u001B[?25l", show: "\u001B[?25h" };
const clearToEndOfLine = "\u001B[K";
const clearBelow = "\u001B[J";
const clearAll = "\u001B[2J\u001B[H";

/**
 * Redraws at most every 100 ms and once a second, each picture in one write between synchronized-output marks, so that
 * no terminal shows half of one.
 */
export function liveScreen(terminal: Terminal, render: () => readonly string[]): LiveScreen {
  let drawnLines = 0;
  let lastMs = -Infinity;
  let timer: NodeJS.Timeout | undefined;
  let resized = false;

  function draw(): void {
    timer = undefined;
    lastMs = performance.now();
    // A narrower terminal has folded the old lines: where they began is not known, so everything goes.
    const home = resized ? clearAll : drawnLines > 0 ? `\u001B[${drawnLines}A\r` : "";
    resized = false;
    const lines = render();
    drawnLines = lines.length;
    const picture = lines.map((line) => `${line}${clearToEndOfLine}\n`).join("");
    terminal.raw(sync.begin + cursor.hide + home + picture + clearBelow + sync.end);
  }

  function refresh(): void {
    timer ??= setTimeout(draw, Math.max(0, minRedrawMs - (performance.now() - lastMs)));
  }

  const offResize = terminal.onResize(() => {
    resized = true;
    refresh();
  });
  const beat = setInterval(refresh, 1000);
  refresh();
  return {
    refresh,
    close() {
      clearTimeout(timer);
      clearInterval(beat);
      offResize();
      draw();
      terminal.raw(cursor.show);
    },
  };
}
