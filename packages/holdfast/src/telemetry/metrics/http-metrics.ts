import { checkOptionNames } from "../../errors/base.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import type { Metrics } from "./create-metrics.ts";

/** How a request has ended. */
export interface EndedRequest {
  readonly method: string;
  /** The template, `/orders/:id`; never the path itself, of which there are as many as ids. Undefined: no route took it. */
  readonly route?: string | undefined;
  /** Undefined: the client was gone before the answer had left. */
  readonly status?: number | undefined;
}

/** Counts the requests of an HTTP server. */
export interface HttpMetrics {
  /** A request has come: call what it returns when it is over, however it ended. Calling it twice counts once. */
  begin(): (ended: EndedRequest) => void;
}

export interface HttpMetricsOptions {
  /** Of the durations, in seconds. */
  readonly buckets?: readonly number[];
  /** Default the system's. */
  readonly clock?: Pick<Clock, "now">;
}

export const httpMetricsDefaults: { readonly buckets: readonly number[] } = { buckets: [0.01, 0.05, 0.1, 0.5, 1, 5] };

const methods: ReadonlySet<string> = new Set("GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT".split(" "));

/**
 * Metrics of an HTTP server: `http_requests_total`, `active_connections`, `request_duration_seconds`,
 * `http_requests_by_path` and `http_responses_by_status`.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * followServer(server, httpMetrics(metrics), { route: (request) => request.route?.path });
 */
export function httpMetrics(metrics: Metrics, options: HttpMetricsOptions = {}): HttpMetrics {
  checkOptionNames("httpMetrics", options, ["buckets", "clock"]);
  const { buckets, clock } = { ...httpMetricsDefaults, clock: systemClock, ...options };
  const all = metrics
    .counter({ name: "http_requests_total", help: "Requests that have ended.", labels: ["handler"] })
    .with({ handler: "all" });
  const active = metrics.gauge({ name: "active_connections", help: "Requests that have begun and not ended." }).with();
  const durations = metrics
    .histogram({ name: "request_duration_seconds", help: "How long requests took, failed ones too.", buckets })
    .with();
  const byPath = metrics.counter({
    name: "http_requests_by_path",
    help: "Requests that have ended, by the template of their route.",
    labels: ["method", "path"],
  });
  const byStatus = metrics.counter({
    name: "http_responses_by_status",
    help: "Answers by their status; gone: the client left before it had one.",
    labels: ["status"],
  });
  return {
    begin() {
      const startedAt = clock.now();
      let isOver = false;
      active.add(1);
      return ({ method, route, status }) => {
        if (isOver) return;
        isOver = true;
        active.add(-1);
        all.add();
        durations.record((clock.now() - startedAt) / 1_000);
        byPath.with({ method: methods.has(method) ? method : "other", path: route ?? "none" }).add();
        byStatus.with({ status: statusOf(status) }).add();
      };
    },
  };
}

function statusOf(status: number | undefined): string {
  if (status === undefined) return "gone";
  return Number.isInteger(status) && status >= 100 && status <= 599 ? String(status) : "other";
}

/** The part of a request of `node:http` that is used. */
export interface FollowedRequest {
  readonly method?: string | undefined;
}

interface FollowedResponse {
  readonly statusCode: number;
  readonly writableFinished: boolean;
  once(name: "close", listener: () => void): unknown;
}

/** The part of a server of `node:http`, `node:https` or `node:http2` that is used: all frameworks stand on one. */
export interface FollowedServer<Request extends FollowedRequest> {
  on(name: "request", listener: (request: Request, response: FollowedResponse) => void): unknown;
  off(name: "request", listener: (request: Request, response: FollowedResponse) => void): unknown;
}

export interface FollowServerOptions<Request> {
  /** The template of the route that took the request, asked when it is over. Default: none is known. */
  readonly route?: (request: Request) => string | undefined;
  /** Requests that are not counted: those for metrics and health, say. */
  readonly ignores?: (request: Request) => boolean;
}

/** Counts all requests of a server. Returns what ends it. */
export function followServer<Request extends FollowedRequest>(
  server: FollowedServer<Request>,
  http: HttpMetrics,
  options: FollowServerOptions<Request> = {},
): () => void {
  checkOptionNames("followServer", options, ["route", "ignores"]);
  const { route, ignores } = options;
  const listener = (request: Request, response: FollowedResponse): void => {
    if (attempt(() => ignores?.(request)) === true) return;
    const end = http.begin();
    // Comes after the answer has left, and when the client has gone before: the one way out that all requests take.
    response.once("close", () => {
      const status = response.writableFinished ? response.statusCode : undefined;
      end({ method: request.method ?? "", route: attempt(() => route?.(request)), status });
    });
  };
  server.on("request", listener);
  return () => void server.off("request", listener);
}

/** What counts must not fail what is counted. */
function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
