import { remoteCoordination, type Coordination } from "holdfast/coordination";
import {
  coordinationRecords,
  recordLoad,
  startLoad,
  type KeyDistribution,
  type LoadOptions,
  type LoadReport,
  type PayloadSize,
  type RecordWorkload,
} from "holdfast/proof";
import { nodeRuntime, seededRandom } from "holdfast/runtime";
import type { ClientTls } from "../client/connections.ts";
import { gatewayClient } from "../client/gateway-client.ts";
import type { GatewayUser } from "../client/gateway-login.ts";

/** The JSON gateway, of Holdfast or of etcd; or Holdfast's own protocol. */
export const loadProtocols = ["gateway", "holdfast"] as const;

/** Writes alone: it needs no records beforehand. */
export const putWorkload: RecordWorkload = {
  name: "put",
  description: "writes alone",
  mix: { update: 1 },
  keys: { type: "uniform" },
};

export interface ClusterLoadOptions {
  readonly endpoints: readonly string[];
  readonly protocol: (typeof loadProtocols)[number];
  readonly user?: GatewayUser | undefined;
  readonly tls?: ClientTls | undefined;
  readonly timeoutMs: number;
  readonly workload: RecordWorkload;
  readonly records: number;
  readonly keys: KeyDistribution;
  readonly payload: PayloadSize;
  /** Before every key; ends in a slash. */
  readonly prefix: string;
  readonly seed: number;
  /** Clients with connections of their own, each preferring another endpoint. */
  readonly clients: number;
  /** What `runLoad` takes besides. */
  readonly run: Omit<LoadOptions, "clock" | "random" | "operation" | "clients" | "timeoutMs" | "drainMs" | "signal">;
  /** Ends the run early: the report is of what has been until then. */
  readonly stop: AbortSignal;
  readonly say: (text: string) => void;
}

/** Writes the records that the workload asks for, unless it only writes, and runs it. Rejects when they cannot be written. */
export async function runClusterLoad(options: ClusterLoadOptions): Promise<LoadReport> {
  const { endpoints, workload, records, keys, payload, seed, prefix, clients, run, stop } = options;
  const { clock } = nodeRuntime();
  const random = seededRandom(seed);
  const connected = Array.from({ length: clients }, (_, number) => {
    const start = number % endpoints.length;
    return connect(options, [...endpoints.slice(start), ...endpoints.slice(0, start)]);
  });
  try {
    const load = recordLoad({
      workload,
      stores: connected.map(({ coordination }) => coordinationRecords(coordination, { prefix })),
      random,
      records,
      keys,
      payload,
    });
    if (workload !== putWorkload) {
      options.say(`writing ${records} records`);
      await load.preload({ atOnce: Math.max(16, clients), signal: stop });
    }
    stop.throwIfAborted();
    const running = startLoad({
      ...run,
      clock,
      random,
      operation: load.operation,
      clients,
      // Each client gives up by itself, and says more about why.
      drainMs: options.timeoutMs + 1000,
    });
    const onStop = (): void => running.stop();
    stop.addEventListener("abort", onStop, { once: true });
    try {
      return await running.finished;
    } finally {
      stop.removeEventListener("abort", onStop);
    }
  } finally {
    await Promise.all(connected.map(({ close }) => close()));
  }
}

interface Connected {
  readonly coordination: Pick<Coordination, "range" | "put">;
  readonly close: () => unknown;
}

function connect({ protocol, user, tls, timeoutMs }: ClusterLoadOptions, endpoints: readonly string[]): Connected {
  if (protocol === "gateway") {
    const client = gatewayClient({ endpoints, timeoutMs, ...(user && { user }), ...(tls && { tls }) });
    return { coordination: client, close: () => client.close() };
  }
  const { ca = "", cert = "", key = "" } = tls ?? {};
  const client = remoteCoordination({
    runtime: nodeRuntime(tls === undefined ? {} : { tls: { ca, cert, key } }),
    endpoints,
    timeoutMs,
    ...(user && { credentials: user }),
  });
  return { coordination: client, close: () => client.close() };
}
