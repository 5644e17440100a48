/** One limit's account. Waits are milliseconds from `now`, 0 for "at once". */
export interface RateWindow {
  /** The most that can ever be taken at once. */
  readonly capacity: number;
  /** How long until `permits` more could be taken. More than the capacity: when the last of them could, one by one. */
  waitMs(now: number, permits: number): number;
  take(now: number, permits: number): void;
  /** What is taken and not yet free again. */
  used(now: number): number;
}

/** Below a nanosecond a wait is rounding. */
const rounding = 1e-6;

/**
 * A token bucket, kept as the generic cell rate algorithm keeps it (ITU-T I.371, annex A): one number, the time at which
 * the bucket would be full. Exact; in a span of any length D it lets `burst + D × rate` through at most.
 */
export function tokenBucket(permits: number, perMs: number, burst: number): RateWindow {
  const costMs = perMs / permits;
  let fullAt = -Infinity;
  return {
    capacity: burst,
    waitMs(now, wanted) {
      const wait = Math.max(fullAt - now, 0) + (wanted - burst) * costMs;
      return wait > rounding ? wait : 0;
    },
    take(now, taken) {
      fullAt = Math.max(fullAt, now) + taken * costMs;
    },
    used: (now) => Math.max(fullAt - now, 0) / costMs,
  };
}

const slices = 10;

/**
 * A sliding window of ten slices, counted by slice: constant memory, constant time. It errs on the strict side only: no
 * span of `perMs` ever sees more than `permits`, and a permit is free again up to a tenth of `perMs` late.
 */
export function slidingWindow(permits: number, perMs: number): RateWindow {
  const sliceMs = perMs / slices;
  // One slice more than the window has: the oldest is still partly inside.
  const kept = slices + 1;
  const counts = new Float64Array(kept);
  let latest = -Infinity;
  let total = 0;

  const advance = (now: number): void => {
    const slice = Math.floor(now / sliceMs);
    if (slice <= latest) return;
    if (slice - latest >= kept) {
      counts.fill(0);
      total = 0;
    } else {
      for (let gone = latest + 1; gone <= slice; gone++) {
        const at = mod(gone, kept);
        total -= counts[at] ?? 0;
        counts[at] = 0;
      }
    }
    latest = slice;
  };

  return {
    capacity: permits,
    waitMs(now, wanted) {
      advance(now);
      if (total + wanted <= permits) return 0;
      const rounds = Math.max(Math.ceil(wanted / permits) - 1, 0);
      let missing = total + wanted - rounds * permits - permits;
      let slice = latest - slices;
      for (; slice < latest; slice++) {
        missing -= counts[mod(slice, kept)] ?? 0;
        if (missing <= 0) break;
      }
      return (slice + kept + rounds * kept) * sliceMs - now;
    },
    take(now, taken) {
      advance(now);
      const at = mod(latest, kept);
      counts[at] = (counts[at] ?? 0) + taken;
      total += taken;
    },
    used(now) {
      advance(now);
      return total;
    },
  };
}

/** The remainder that is never negative, for clocks that start below zero. */
function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}
