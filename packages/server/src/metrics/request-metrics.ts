import type { Counter, Histogram, Metrics } from "holdfast/telemetry";
import type { RequestEvent } from "../etcd/dispatcher.ts";
import { methods } from "../etcd/methods.ts";
import { healthWatchPath } from "../health/health-methods.ts";

/** What one kind of request with one outcome is recorded to. */
interface Bound {
  readonly handled: Counter | undefined;
  readonly requests: Counter;
  readonly durations: Histogram | undefined;
}

/** Streams take as long as their client wants. */
const streams: ReadonlySet<string> = new Set([
  ...methods.filter(({ kind }) => kind !== "unary").map(({ path }) => path),
  healthWatchPath,
]);

/** More kinds of requests and outcomes than there are; beyond, series are looked up each time. */
const maxBound = 4_096;

/**
 * Counts requests and times them, under a name of our own and, for gRPC, under the one that etcd and others have.
 *
 * Labels are methods that exist, never what a client has sent.
 */
export function requestMetrics(metrics: Metrics): (event: RequestEvent) => void {
  const requests = metrics.counter({
    name: "holdfast_requests_total",
    help: "Requests that have ended, by gRPC status code (0: success), also of the other transports.",
    labels: ["transport", "method", "code"],
  });
  const handled = metrics.counter({
    name: "grpc_server_handled_total",
    help: "RPCs that have ended.",
    labels: ["grpc_type", "grpc_service", "grpc_method", "grpc_code"],
  });
  const durations = metrics.histogram({
    name: "holdfast_request_duration_seconds",
    help: "From the decoded request to the encoded answer; without streams.",
    labels: ["method"],
  });
  const bound = new Map<string, Bound>();

  function bind({ transport, method, code }: RequestEvent): Bound {
    const [, service = "", name = ""] = method.split("/");
    const type = streams.has(method) ? "stream" : "unary";
    return {
      requests: requests.with({ transport, method, code: String(code) }),
      handled:
        transport === "grpc"
          ? handled.with({
              grpc_type: type,
              grpc_service: service,
              grpc_method: name,
              grpc_code: codeNames[code] ?? "Unknown",
            })
          : undefined,
      durations: type === "stream" ? undefined : durations.with({ method }),
    };
  }

  return (event) => {
    const key = `${event.transport} ${event.code} ${event.method}`;
    let series = bound.get(key);
    if (series === undefined) {
      series = bind(event);
      if (bound.size < maxBound) bound.set(key, series);
    }
    series.requests.add();
    series.handled?.add();
    series.durations?.record(event.durationMs / 1_000);
  };
}

/** By number, as Go's gRPC spells them. */
const codeNames: readonly string[] = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
];
