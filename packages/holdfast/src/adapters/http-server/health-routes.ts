import { checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { healthAnswer, type Health, type HealthAnswer } from "../../telemetry/index.ts";

export interface HealthRoutesOptions<Request> {
  /**
   * Whether components and what is wrong with them are told, to anybody or to whoever this says: they may tell strangers
   * what they should not know. Default false.
   */
  readonly details?: boolean | ((request: Request) => boolean);
  /** Whether all other requests count as in flight, which a drain waits for. Default true. */
  readonly tracks?: boolean;
}

export interface HealthRoutes<Request> {
  /** Undefined for what is no request for health. */
  answer(request: Request, method: string, path: string): HealthAnswer | undefined;
  readonly tracks: boolean;
}

/** @throws InvalidArgumentError for what is no health, and options that break their rules */
export function healthRoutes<Request>(
  adapter: string,
  health: Health,
  options: HealthRoutesOptions<Request>,
): HealthRoutes<Request> {
  checkOptionNames(`${adapter} health`, options, ["details", "tracks"]);
  if (typeof health?.view !== "function") {
    throw new InvalidArgumentError(`${adapter} health`, "must be what createHealth gives", health);
  }
  const { details = false, tracks = true } = options;
  if (typeof details !== "boolean" && typeof details !== "function") {
    throw new InvalidArgumentError(`${adapter} health.details`, "must be true, false or a function", details);
  }
  checkOneOf(`${adapter} health.tracks`, String(tracks), ["true", "false"]);
  return {
    tracks,
    answer(request, method, path) {
      if (method !== "GET" && method !== "HEAD") return undefined;
      return healthAnswer(health, path, {
        get details() {
          return typeof details === "function" ? details(request) : details;
        },
      });
    },
  };
}
