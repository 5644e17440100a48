const firstMs = 250;
const longestMs = 5_000;

/** How long to wait before the nth attempt to come back, 1 the first; `random` is 0..1 and spreads clients. */
export function retryDelayMs(attempt: number, random: number): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 10));
  return Math.round(full * (0.5 + random / 2));
}
