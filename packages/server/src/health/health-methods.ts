import { grpcCode } from "../grpc/status-code.ts";
import { streaming, unary, type Method, type StreamCall } from "../etcd/method.ts";
import { RequestError } from "../etcd/status.ts";
import type { WireMessage } from "../etcd/wire-type.ts";
import type { MemberHealth } from "./member-health.ts";

const status = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

const paths = {
  check: "/grpc.health.v1.Health/Check",
  list: "/grpc.health.v1.Health/List",
  watch: "/grpc.health.v1.Health/Watch",
} as const;

/** Those that say how the member is: also of a learner, and to anybody. */
export const healthPaths: ReadonlySet<string> = new Set(Object.values(paths));

/** The one that takes as long as its client wants. */
export const healthWatchPath: string = paths.watch;

/**
 * gRPC's health protocol, as etcd has it: `""` is all there is. It serves while clients should come; etcd's always does.
 * List is younger than etcd 3.4.
 */
export function healthMethods(health: MemberHealth): readonly Method[] {
  return [
    unary([paths.check, undefined, "HealthCheckRequest", "HealthCheckResponse"], async (_member, { message }) => {
      if (serviceOf(message) !== "") throw new RequestError(grpcCode.NOT_FOUND, "unknown service");
      return answer(await health.isReady());
    }),
    unary([paths.list, undefined, "HealthListRequest", "HealthListResponse"], async () => ({
      statuses: [{ key: "", value: answer(await health.isReady()) }],
    })),
    streaming([paths.watch, undefined, "HealthCheckRequest", "HealthCheckResponse"], (_member, call) =>
      watch(health, call),
    ),
  ];
}

async function watch(health: MemberHealth, call: StreamCall): Promise<void> {
  const {
    requests,
    options: { signal },
  } = call;
  let service: string | undefined;
  for await (const message of requests) {
    service = serviceOf(message);
    break;
  }
  if (service === undefined) throw new RequestError(grpcCode.INTERNAL, "grpc: the request holds no message");
  if (signal?.aborted !== false) return;
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  // Some bytes for each change, of which there is at most one a second: a client that reads none is not held back.
  const tell = (message: WireMessage): void => void call.send(message);
  // The protocol wants a stream for a service that may come later; here none does.
  if (service !== "") tell({ status: status.SERVICE_UNKNOWN });
  const stop = service === "" ? health.watch((isReady) => tell(answer(isReady))) : undefined;
  await gone;
  stop?.();
}

function answer(isReady: boolean): WireMessage {
  return { status: isReady ? status.SERVING : status.NOT_SERVING };
}

function serviceOf(message: WireMessage): string {
  return (message as { readonly service: string }).service;
}
