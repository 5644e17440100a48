/** A length of time after which something tends to come again. */
export interface Period {
  readonly periodMs: number;
  /** When it came last, or would have: the phase that all occurrences agree on best. */
  readonly phaseMs: number;
  /** How well they agree, 0..1: 1 when each comes exactly at its time. */
  readonly strength: number;
  /** How probable so much agreement is by mere chance. */
  readonly chance: number;
}

/** Fewer occurrences show no period. */
const minOccurrences = 5;

const convincing = 0.01;

/**
 * The period of occurrences, if there is one: candidates around the intervals between neighbours are judged by how closely
 * the occurrences gather at one phase of them (Rayleigh's test: N. Fisher, "Statistical Analysis of Circular Data", 1993,
 * section 4.3), counting how many candidates were tried. Occurrences that were left out do no harm.
 *
 * @param times monotonic milliseconds, ascending; the last 64 count
 */
export function findPeriod(times: readonly number[]): Period | undefined {
  const last = times.slice(-64);
  if (last.length < minOccurrences) return undefined;
  const intervals = last.slice(1).map((time, at) => time - (last[at] as number));
  const middle = [...intervals].sort((a, b) => a - b)[intervals.length >> 1] as number;
  if (!(middle > 0)) return undefined;
  let best: Period | undefined;
  const steps = 50;
  for (let step = -steps; step <= steps; step++) {
    const periodMs = middle * (1 + (0.2 * step) / steps);
    const found = agreement(last, periodMs);
    if (best === undefined || found.strength > best.strength) best = found;
  }
  if (best === undefined) return undefined;
  // Candidates close to each other are not tried independently: about one is for each occurrence and period.
  const chance = Math.min(1, (last.length + 1) * best.chance);
  return chance < convincing ? { ...best, chance } : undefined;
}

/** When it is due next, after a time. */
export function nextDue(period: Period, after: number): number {
  return period.phaseMs + (Math.floor((after - period.phaseMs) / period.periodMs) + 1) * period.periodMs;
}

function agreement(times: readonly number[], periodMs: number): Period {
  const origin = times[0] as number;
  let cosine = 0;
  let sine = 0;
  for (const time of times) {
    const angle = (2 * Math.PI * (time - origin)) / periodMs;
    cosine += Math.cos(angle);
    sine += Math.sin(angle);
  }
  const strength = Math.hypot(cosine, sine) / times.length;
  const phaseMs = origin + (Math.atan2(sine, cosine) / (2 * Math.PI)) * periodMs;
  const count = times.length;
  const length = count * strength;
  // Zar's approximation, which holds for few occurrences too (J. Zar, "Biostatistical Analysis", 1999, chapter 27).
  const chance = Math.exp(Math.sqrt(1 + 4 * count + 4 * (count * count - length * length)) - (1 + 2 * count));
  return { periodMs, phaseMs, strength, chance };
}
