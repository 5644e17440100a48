/** How much of a trace a person reads: around the first faults, and the end. */
const shownSpots = 3;
const shownBefore = 1;
const shownAfter = 6;
const shownAtEnd = 6;

/** The lines around the first faults and the last lines, with `…` for what is left out. */
export function excerptOf(trace: readonly string[], faultKinds: readonly string[]): string[] {
  const kinds = new Set(faultKinds);
  const shown = new Set<number>();
  const show = (from: number, to: number): void => {
    for (let at = Math.max(from, 0); at < Math.min(to, trace.length); at++) shown.add(at);
  };
  let spots = 0;
  for (let at = 0; at < trace.length && spots < shownSpots; at++) {
    // Time, host and kind; notes and values have other places.
    const kind = trace[at]!.split(" ")[2];
    if (kind === undefined || !kinds.has(kind)) continue;
    if (!shown.has(at)) spots++;
    show(at - shownBefore, at + 1 + shownAfter);
  }
  show(trace.length - shownAtEnd, trace.length);
  const lines: string[] = [];
  let last = -1;
  for (const at of [...shown].toSorted((one, other) => one - other)) {
    if (at > last + 1) lines.push("…");
    lines.push(trace[at]!);
    last = at;
  }
  return lines;
}
