import { parseAddress } from "../../consensus/index.ts";
import { checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { Address, Runtime } from "../../runtime/index.ts";
import type { Tracer } from "../../telemetry/index.ts";

/** Who a client is while the cluster's users are enabled. */
export type RemoteCredentials = { readonly token: string } | { readonly name: string; readonly password: string };

export interface RemoteOptions {
  /** In TLS when it is one with an identity: `nodeRuntime({ tls })`. */
  readonly runtime: Pick<Runtime, "clock" | "network" | "random">;
  /** Client ports of members, as `host:port` or URLs. One is used at a time, another when it fails. */
  readonly endpoints: readonly string[];
  /** Default: nobody. */
  readonly credentials?: RemoteCredentials;
  /** Turns away members of other clusters. Default 0n: whatever cluster answers first, and that one from then on. */
  readonly clusterId?: bigint;
  /** Of one request, with everything it takes, unless the request says otherwise. Default 5 000. */
  readonly timeoutMs?: number;
  /** A member that answers nothing else for so long is left for another. Default 1 500. */
  readonly attemptTimeoutMs?: number;
  /** Default 1 000. */
  readonly connectTimeoutMs?: number;
  /** Requests that wait for their answers, at most; more are refused with TOO_MANY_REQUESTS. Default 20 000. */
  readonly maxWaiting?: number;
  /** Responses of one watch that may wait to be pulled. Default 16. */
  readonly maxWatchResponses?: number;
  /** Gives each request a span, and its trace to members that take it. Default none. */
  readonly tracer?: Pick<Tracer, "startSpan">;
}

export const defaultRemoteOptions: Required<Omit<RemoteOptions, "runtime" | "endpoints" | "credentials" | "tracer">> = {
  clusterId: 0n,
  timeoutMs: 5_000,
  attemptTimeoutMs: 1_500,
  connectTimeoutMs: 1_000,
  maxWaiting: 20_000,
  maxWatchResponses: 16,
};

export interface RemoteSettings extends Required<Omit<RemoteOptions, "endpoints" | "credentials" | "tracer">> {
  readonly tracer?: Pick<Tracer, "startSpan">;
  readonly endpoints: readonly Address[];
  readonly credentials: RemoteCredentials | undefined;
}

/** @throws InvalidArgumentError naming the option that breaks its rule */
export function checkRemoteOptions(options: RemoteOptions): RemoteSettings {
  checkOptionNames("remote", options, [
    "runtime",
    "endpoints",
    "credentials",
    "tracer",
    ...Object.keys(defaultRemoteOptions),
  ]);
  const { endpoints, credentials, ...others } = options;
  const settings = { ...defaultRemoteOptions, ...others };
  if (!Array.isArray(endpoints) || endpoints.length === 0) {
    throw new InvalidArgumentError("remote.endpoints", "must name at least one endpoint", endpoints);
  }
  for (const name of [
    "timeoutMs",
    "attemptTimeoutMs",
    "connectTimeoutMs",
    "maxWaiting",
    "maxWatchResponses",
  ] as const) {
    checkInteger(`remote.${name}`, settings[name], 1);
  }
  if (typeof settings.clusterId !== "bigint") {
    throw new InvalidArgumentError("remote.clusterId", "must be a bigint", settings.clusterId);
  }
  if (others.tracer !== undefined && typeof others.tracer?.startSpan !== "function") {
    throw new InvalidArgumentError("remote.tracer", "must be a tracer", others.tracer);
  }
  return { ...settings, endpoints: endpoints.map(readEndpoint), credentials };
}

function readEndpoint(endpoint: unknown): Address {
  const [, host = ""] = /^(?:https?:\/\/)?([^/@?#\s]+)\/?$/.exec(typeof endpoint === "string" ? endpoint : "") ?? [];
  const address = parseAddress(host);
  if (address !== undefined) return address;
  throw new InvalidArgumentError("remote.endpoints", "must be like 127.0.0.1:2379 or http://127.0.0.1:2379", endpoint);
}
