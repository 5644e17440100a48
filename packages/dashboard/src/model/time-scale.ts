/** Where a moment stands between 0 and 1, and which moment stands there. */
export interface TimeScale {
  share(atMs: number): number;
  at(share: number): number;
  /** Where time was left out: in the middle of each, and how much. */
  readonly breaks: readonly { readonly share: number; readonly leftOutMs: number }[];
}

export function evenScale(fromMs: number, toMs: number): TimeScale {
  const span = Math.max(1, toMs - fromMs);
  return {
    share: (atMs) => (atMs - fromMs) / span,
    at: (share) => fromMs + share * span,
    breaks: [],
  };
}

/** Of the whole width, for each time that was left out. */
const breakShare = 0.025;
const maxBreaks = 12;
/** Less than this part of the whole is no idle time. */
const leastIdleShare = 0.06;

interface Piece {
  readonly fromMs: number;
  readonly toMs: number;
  readonly fromShare: number;
  readonly toShare: number;
}

/** Leaves out the longest times in which nothing happened. `times`: when something did, in order. */
export function collapsedScale(times: readonly number[], fromMs: number, toMs: number): TimeScale {
  const idle = idleTimes(times, fromMs, toMs);
  if (idle.length === 0) return evenScale(fromMs, toMs);
  const leftOut = idle.reduce((sum, { from, to }) => sum + to - from, 0);
  const busyShare = 1 - idle.length * breakShare;
  const perMs = busyShare / Math.max(1, toMs - fromMs - leftOut);
  const pieces: Piece[] = [];
  let [atMs, share] = [fromMs, 0];
  const add = (until: number, width: number): void => {
    if (until > atMs) pieces.push({ fromMs: atMs, toMs: until, fromShare: share, toShare: share + width });
    [atMs, share] = [until, share + width];
  };
  const breaks: { share: number; leftOutMs: number }[] = [];
  for (const { from, to } of idle) {
    add(from, (from - atMs) * perMs);
    breaks.push({ share: share + breakShare / 2, leftOutMs: to - from });
    add(to, breakShare);
  }
  add(toMs, (toMs - atMs) * perMs);
  return {
    share(moment) {
      const piece = pieces.find((each) => moment <= each.toMs) ?? pieces.at(-1);
      return piece === undefined ? 0 : along(moment, piece.fromMs, piece.toMs, piece.fromShare, piece.toShare);
    },
    at(place) {
      const piece = pieces.find((each) => place <= each.toShare) ?? pieces.at(-1);
      return piece === undefined ? fromMs : along(place, piece.fromShare, piece.toShare, piece.fromMs, piece.toMs);
    },
    breaks,
  };
}

/** The longest, in order of time; a little of each stays on both sides, so that marks do not touch the break. */
function idleTimes(times: readonly number[], fromMs: number, toMs: number): { from: number; to: number }[] {
  const least = (toMs - fromMs) * leastIdleShare;
  const found: { from: number; to: number }[] = [];
  let before = fromMs;
  const look = (next: number): void => {
    if (next - before > least) found.push({ from: before + least / 4, to: next - least / 4 });
    before = Math.max(before, next);
  };
  for (const time of times) if (time >= fromMs && time <= toMs) look(time);
  look(toMs);
  return found
    .sort((a, b) => b.to - b.from - (a.to - a.from))
    .slice(0, maxBreaks)
    .sort((a, b) => a.from - b.from);
}

function along(value: number, from: number, to: number, start: number, end: number): number {
  return start + ((value - from) / Math.max(1e-9, to - from)) * (end - start);
}
