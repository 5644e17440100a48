/** How a member that died comes back. */
export interface RestartPolicy {
  /** What to do about a death after `ranMs` of life: wait so long and start it, or give up (undefined). */
  afterDeath(ranMs: number): number | undefined;
}

export const restartDefaults = {
  firstDelayMs: 100,
  maxDelayMs: 5000,
  /** A life this long wipes out the deaths before it. */
  steadyMs: 10_000,
  /** Short lives in a row until it is given up. */
  maxShortLives: 6,
} as const;

/** At once the first time, twice the wait after each further short life, never again after `maxShortLives` of them. */
export function restartPolicy(limits: typeof restartDefaults = restartDefaults): RestartPolicy {
  let shortLives = 0;
  return {
    afterDeath(ranMs) {
      shortLives = ranMs >= limits.steadyMs ? 1 : shortLives + 1;
      if (shortLives >= limits.maxShortLives) return undefined;
      return Math.min(limits.maxDelayMs, limits.firstDelayMs * 2 ** (shortLives - 1));
    },
  };
}
