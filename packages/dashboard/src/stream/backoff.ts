const firstMs = 250;
const longestMs = 5_000;
const longestWishMs = 60_000;

/**
 * How long to wait before the nth attempt to come back, 1 the first; `random` is 0..1 and spreads clients. `leastMs`: what
 * the server asked for, up to a minute of it.
 */
export function retryDelayMs(attempt: number, random: number, leastMs: number = 0): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 10));
  return Math.round(Math.min(longestWishMs, leastMs) * (1 + random) + full * (0.5 + random / 2));
}
