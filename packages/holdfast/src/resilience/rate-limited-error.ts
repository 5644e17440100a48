import { ResilienceError } from "./resilience-error.ts";

/** The rate is used up, and waiting was not wanted, too long, or for too many already. */
export class RateLimitedError extends ResilienceError {
  static override readonly brand: string = "RateLimitedError";

  /** When a permit will be free, as far as is known now; milliseconds. */
  readonly retryAfterMs: number;
  /** Whose rate it was; undefined for a limiter without keys. */
  readonly key: string | undefined;

  constructor(retryAfterMs: number, key: string | undefined) {
    const whose = key === undefined ? "" : ` of ${JSON.stringify(key)}`;
    super(`the rate${whose} is used up; try again in ${Math.ceil(retryAfterMs)} ms`, {
      name: "RateLimitedError",
      code: "RATE_LIMITED",
      kind: "resource",
      retryable: true,
    });
    this.retryAfterMs = retryAfterMs;
    this.key = key;
  }
}
