import { checkInteger, checkOptionNames } from "../../errors/base.ts";

/** When a service that has ended is started again. */
export interface RestartPolicy {
  /** Before the first restart; twice as long after each further short life. Default 100. */
  readonly firstDelayMs?: number;
  /** Default 30 000. */
  readonly maxDelayMs?: number;
  /** A life this long wipes out the short ones before it. Default 10 000. */
  readonly steadyMs?: number;
  /** Short lives in a row after which it is given up; 1 never starts it again. Default 10. */
  readonly maxShortLives?: number;
}

export const restartDefaults: Required<RestartPolicy> = {
  firstDelayMs: 100,
  maxDelayMs: 30_000,
  steadyMs: 10_000,
  maxShortLives: 10,
};

/** Counts short lives. */
export class RestartBackoff {
  readonly #policy: Required<RestartPolicy>;
  #shortLives = 0;

  constructor(policy: Required<RestartPolicy>) {
    this.#policy = policy;
  }

  /** What to do about the end of a life: wait so long, or give up (undefined). */
  afterLife(ranMs: number): number | undefined {
    const { firstDelayMs, maxDelayMs, steadyMs, maxShortLives } = this.#policy;
    this.#shortLives = ranMs >= steadyMs ? 1 : this.#shortLives + 1;
    if (this.#shortLives >= maxShortLives) return undefined;
    return Math.min(maxDelayMs, firstDelayMs * 2 ** (this.#shortLives - 1));
  }

  /** Somebody has asked for a life, who may have mended it. */
  forget(): void {
    this.#shortLives = 0;
  }
}

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkRestartPolicy(path: string, policy: RestartPolicy): Required<RestartPolicy> {
  checkOptionNames(path, policy, Object.keys(restartDefaults));
  const all = { ...restartDefaults, ...policy };
  for (const [name, value] of Object.entries(all)) {
    checkInteger(`${path}.${name}`, value, name === "maxShortLives" ? 1 : 0, 1_000_000_000);
  }
  return all;
}
