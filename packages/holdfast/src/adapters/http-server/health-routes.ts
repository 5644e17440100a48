import { checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { healthAnswer, type Health, type HealthAnswer } from "../../telemetry/index.ts";
import { isClosed, type NodeResponse } from "./node-response.ts";

export interface HealthRoutesOptions<Request> {
  /**
   * Whether components and what is wrong with them are told, to anybody or to whoever this says: they may tell strangers
   * what they should not know. What it throws is a no. Default false.
   */
  readonly details?: boolean | ((request: Request) => boolean);
  /** Whether all other requests count as in flight, which a drain waits for. Default true. */
  readonly tracks?: boolean;
}

/** What is used of a response on Node; HTTP/2's has no connection of its own to close. */
export type TrackedResponse = Pick<NodeResponse, "once" | "closed" | "destroyed"> & { shouldKeepAlive?: boolean };

export interface HealthRoutes<Request> {
  /** Undefined for what is no request for health. */
  answer(request: Request, method: string, path: string): HealthAnswer | undefined;
  /**
   * On Node, for every request: it counts as in flight until its response is closed, and once the service drains, its
   * connection closes with the answer. Health's own are not in flight.
   */
  follow(response: TrackedResponse, isHealths?: boolean): void;
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

  const open = new Set<TrackedResponse>();
  health.subscribe(() => {
    if (!health.isDraining) return;
    // Node says `connection: close` in those whose head has not gone out, and then does it.
    for (const response of open) closeAfter(response);
    open.clear();
  });

  return {
    tracks,
    answer(request, method, path) {
      if (method !== "GET" && method !== "HEAD") return undefined;
      return healthAnswer(health, path, {
        get details() {
          return wantsDetails(details, request);
        },
      });
    },
    follow(response, isHealths = false) {
      // Closed already, it would never be told to be over.
      if (isClosed(response)) return;
      const leave = tracks && !isHealths ? health.enter() : undefined;
      if (health.isDraining) closeAfter(response);
      else open.add(response);
      // Closed is what it is in every case: answered, cut off, left by the client.
      response.once("close", () => {
        open.delete(response);
        leave?.();
      });
    },
  };
}

function closeAfter(response: TrackedResponse): void {
  if (response.shouldKeepAlive !== undefined) response.shouldKeepAlive = false;
}

/** A probe is answered whatever is wrong with who may know what. */
function wantsDetails<Request>(details: boolean | ((request: Request) => boolean), request: Request): boolean {
  if (typeof details === "boolean") return details;
  try {
    return details(request);
  } catch {
    return false;
  }
}
