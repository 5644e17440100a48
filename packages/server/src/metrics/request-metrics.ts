import type { Counter, Histogram, Metrics } from "holdfast/telemetry";
import type { RequestEvent, Transport } from "../etcd/dispatcher.ts";
import { methods } from "../etcd/methods.ts";
import { healthWatchPath } from "../health/health-methods.ts";

/** What one kind of request with one outcome is recorded to. */
interface Bound {
  readonly handled: Counter | undefined;
  readonly handling: Histogram | undefined;
  readonly requests: Counter;
  readonly durations: Histogram | undefined;
}

/** As etcd has them. Streams take as long as their client wants; what else streams here is of one message each way. */
const streamTypes: ReadonlyMap<string, "bidi_stream" | "server_stream"> = new Map([
  ["/etcdserverpb.Watch/Watch", "bidi_stream"],
  ["/etcdserverpb.Lease/LeaseKeepAlive", "bidi_stream"],
  ["/etcdserverpb.Maintenance/Snapshot", "server_stream"],
  ["/v3electionpb.Election/Observe", "server_stream"],
  [healthWatchPath, "server_stream"],
]);

/** Those that wait for others as long as they must: how long they took says nothing about this member. */
const waits: ReadonlySet<string> = new Set(methods.filter(({ kind }) => kind !== "unary").map(({ path }) => path));

/** As Prometheus' own clients have them. */
const handlingBuckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What is recorded of requests. */
export interface RequestMetrics {
  readonly onStart: (transport: Transport, method: string) => void;
  readonly onRequest: (event: RequestEvent) => void;
}

/** More kinds of requests and outcomes than there are; beyond, series are looked up each time. */
const maxBound = 4_096;

/**
 * Counts requests and times them, under a name of our own and, for gRPC, under the one that etcd and others have.
 *
 * Labels are methods that exist, never what a client has sent.
 */
export function requestMetrics(metrics: Metrics): RequestMetrics {
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
  const starts = metrics.counter({
    name: "grpc_server_started_total",
    help: "RPCs that have begun.",
    labels: ["grpc_type", "grpc_service", "grpc_method"],
  });
  const handling = metrics.histogram({
    name: "grpc_server_handling_seconds",
    help: "How long RPCs took, without streams.",
    labels: ["grpc_type", "grpc_service", "grpc_method"],
    buckets: handlingBuckets,
  });
  const durations = metrics.histogram({
    name: "holdfast_request_duration_seconds",
    help: "From the decoded request to the encoded answer; without streams.",
    labels: ["method"],
  });
  // At zero from the beginning, as etcd has them: what is begun less what has ended says how many streams there are.
  for (const { path } of methods) {
    starts.with(labelsOf(path)).add(0);
    handled.with({ ...labelsOf(path), grpc_code: "OK" }).add(0);
  }
  const bound = new Map<string, Bound>();
  const begun = new Map<string, Counter>();

  function bind({ transport, method, code }: RequestEvent): Bound {
    const labels = labelsOf(method);
    const isTimed = labels.grpc_type === "unary" && !waits.has(method);
    const isGrpc = transport === "grpc";
    return {
      requests: requests.with({ transport, method, code: String(code) }),
      handled: isGrpc ? handled.with({ ...labels, grpc_code: codeNames[code] ?? "Unknown" }) : undefined,
      handling: isGrpc && isTimed ? handling.with(labels) : undefined,
      durations: isTimed ? durations.with({ method }) : undefined,
    };
  }

  function onStart(transport: Transport, method: string): void {
    if (transport !== "grpc") return;
    let series = begun.get(method);
    if (series === undefined) {
      series = starts.with(labelsOf(method));
      if (begun.size < maxBound) begun.set(method, series);
    }
    series.add();
  }

  function onRequest(event: RequestEvent): void {
    const key = `${event.transport} ${event.code} ${event.method}`;
    let series = bound.get(key);
    if (series === undefined) {
      series = bind(event);
      if (bound.size < maxBound) bound.set(key, series);
    }
    series.requests.add();
    series.handled?.add();
    series.durations?.record(event.durationMs / 1_000);
    series.handling?.record(event.durationMs / 1_000);
  }

  return { onStart, onRequest };
}

function labelsOf(method: string): Readonly<Record<"grpc_type" | "grpc_service" | "grpc_method", string>> {
  const [, service = "", name = ""] = method.split("/");
  return { grpc_type: streamTypes.get(method) ?? "unary", grpc_service: service, grpc_method: name };
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
