import { checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { Tracer } from "../../telemetry/index.ts";

/** Certificates and keys are PEM. */
export interface EtcdTls {
  /** Whom to trust instead of the well-known authorities. */
  readonly ca?: string | Uint8Array;
  /** The client's own certificate; with `key`. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name that the servers' certificates must be for. Default: the endpoint's host. */
  readonly serverName?: string;
}

export interface EtcdOptions {
  /** `http://host:port`, `https://host:port`, or `host:port`, which is `https` when `tls` is given. */
  readonly endpoints: readonly string[];
  readonly username?: string;
  readonly password?: string;
  readonly tls?: EtcdTls;
  /** A request gives up after this time, unless it says otherwise. Default 5 000. */
  readonly requestTimeoutMs?: number;
  /** A read, a keep-alive or the start of a watch tries another endpoint after this time. Default 2 000. */
  readonly attemptTimeoutMs?: number;
  /** A connection that is not there after this time counts as failed. Default 2 000. */
  readonly connectTimeoutMs?: number;
  /** A connection is asked whether it lives when it has been silent for this time. Default 10 000; at least 5 000, as etcd demands. */
  readonly pingIntervalMs?: number;
  /** And given up when it does not answer in this time. Default 5 000. */
  readonly pingTimeoutMs?: number;
  /**
   * The endpoints are Holdfast's, which apply a request with an identity once, however often it is sent; so those are
   * repeated like reads. etcd does not know identities, so requests that have one are refused otherwise. Default false.
   */
  readonly identities?: boolean;
  /** Gives each try of a request a span, of a watch until it stands, and the trace to the endpoint. Default none. */
  readonly tracer?: Pick<Tracer, "startSpan">;
}

export interface EndpointAddress {
  readonly host: string;
  readonly secure: boolean;
}

type PlainOptions = Required<Omit<EtcdOptions, "endpoints" | "username" | "password" | "tls" | "tracer">>;

export interface EtcdSettings extends PlainOptions {
  readonly tracer?: Pick<Tracer, "startSpan">;
  readonly endpoints: readonly EndpointAddress[];
  readonly tls: EtcdTls;
  readonly credentials: { readonly name: string; readonly password: string } | undefined;
}

export const etcdDefaults: PlainOptions = {
  requestTimeoutMs: 5_000,
  attemptTimeoutMs: 2_000,
  connectTimeoutMs: 2_000,
  pingIntervalMs: 10_000,
  pingTimeoutMs: 5_000,
  identities: false,
};

const tlsNames = ["ca", "cert", "key", "serverName"];

/** @throws InvalidArgumentError naming the option that breaks its rule */
export function checkEtcdOptions(options: EtcdOptions): EtcdSettings {
  checkOptionNames("etcd", options, [
    "endpoints",
    "username",
    "password",
    "tls",
    "tracer",
    ...Object.keys(etcdDefaults),
  ]);
  const { endpoints, username, password, tls, ...others } = options;
  const settings = { ...etcdDefaults, ...others };
  if (!Array.isArray(endpoints) || endpoints.length === 0) {
    throw new InvalidArgumentError("etcd.endpoints", "must name at least one endpoint", endpoints);
  }
  for (const name of ["requestTimeoutMs", "attemptTimeoutMs", "connectTimeoutMs", "pingTimeoutMs"] as const) {
    checkInteger(`etcd.${name}`, settings[name], 1);
  }
  checkInteger("etcd.pingIntervalMs", settings.pingIntervalMs, 5_000);
  if (typeof settings.identities !== "boolean") {
    throw new InvalidArgumentError("etcd.identities", "must be true or false", settings.identities);
  }
  if ((username === undefined) !== (password === undefined)) {
    const missing = username === undefined ? "username" : "password";
    throw new InvalidArgumentError(`etcd.${missing}`, "must come with the other one", undefined);
  }
  checkTls(tls);
  if (others.tracer !== undefined && typeof others.tracer?.startSpan !== "function") {
    throw new InvalidArgumentError("etcd.tracer", "must be a tracer", others.tracer);
  }
  return {
    ...settings,
    endpoints: endpoints.map((endpoint) => readEndpoint(endpoint, tls)),
    tls: tls ?? {},
    credentials: username === undefined ? undefined : { name: username, password: password as string },
  };
}

function checkTls(tls: EtcdTls | undefined): void {
  if (tls === undefined) return;
  checkOptionNames("etcd.tls", tls, tlsNames);
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    const missing = tls.cert === undefined ? "cert" : "key";
    throw new InvalidArgumentError(`etcd.tls.${missing}`, "must come with the other one", undefined);
  }
}

function readEndpoint(endpoint: unknown, tls: EtcdTls | undefined): EndpointAddress {
  const parts = /^(?:(https?):\/\/)?([^/@?#\s]+:\d{1,5})\/?$/.exec(typeof endpoint === "string" ? endpoint : "");
  if (parts === null) {
    throw new InvalidArgumentError("etcd.endpoints", "must be like http://127.0.0.1:2379 or 127.0.0.1:2379", endpoint);
  }
  const [, scheme, host = ""] = parts;
  if (scheme === "http" && tls !== undefined) {
    throw new InvalidArgumentError("etcd.endpoints", "must not be http:// when tls is given", endpoint);
  }
  return { host, secure: scheme === "https" || (scheme === undefined && tls !== undefined) };
}
