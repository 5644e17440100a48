import { studentTWithin } from "./student-t.ts";

export interface Trend {
  /** `unknown` below `minTrendPoints` points; `steady` when neither way is at least 95 % certain. */
  readonly direction: "rising" | "falling" | "steady" | "unknown";
  /** By how much the rate changes: events per second, per second. 0 when unknown. */
  readonly slope: number;
  /** How certain it is that there is a slope at all, 0..1: Student's t of the regression. */
  readonly confidence: number;
  /** How many points it is made of. */
  readonly points: number;
}

/** A straight line through fewer points says nothing. */
export const minTrendPoints = 5;

const certain = 0.95;

/**
 * The trend of counts in slices of equal length: ordinary least squares over time, with the t test of its slope. A line
 * that fits without any rest is certain; counts that are all the same have no trend.
 */
export function trendOf(counts: readonly number[], sliceMs: number): Trend {
  const points = counts.length;
  if (points < minTrendPoints) return { direction: "unknown", slope: 0, confidence: 0, points };
  const seconds = sliceMs / 1000;
  const middle = (points - 1) / 2;
  const mean = counts.reduce((sum, count) => sum + count, 0) / points;
  let spread = 0;
  let product = 0;
  for (const [at, count] of counts.entries()) {
    spread += (at - middle) ** 2;
    product += (at - middle) * (count - mean);
  }
  const perSlice = product / spread;
  let rest = 0;
  for (const [at, count] of counts.entries()) rest += (count - mean - perSlice * (at - middle)) ** 2;
  const error = Math.sqrt(rest / (points - 2) / spread);
  const confidence = perSlice === 0 ? 0 : studentTWithin(perSlice / error, points - 2);
  const direction = confidence < certain ? "steady" : perSlice > 0 ? "rising" : "falling";
  return { direction, slope: perSlice / seconds / seconds, confidence, points };
}
