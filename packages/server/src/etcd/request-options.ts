import type { Credentials, RequestOptions } from "holdfast/coordination";
import { parseIdentity } from "./request-identity.ts";

/**
 * No caller keeps a request waiting longer than this, whatever deadline it sends: as in etcd, whose clients try again
 * when they hear UNAVAILABLE and not when their own time is over.
 */
const maxTimeoutMs = 7_000;

/** What a request brings along of who asks. */
export interface CallerProof {
  /** The first that is there counts: metadata `token`, then `authorization`, as in etcd. */
  readonly tokens: readonly (string | undefined)[];
  /** Whom the connection's certificate names, where clients must show one. */
  readonly certified?: string | undefined;
}

/** What a request's metadata asks for. @throws RequestError when the identity is malformed */
export function requestOptions(
  signal: AbortSignal,
  identity: string | undefined,
  remainingMs: number | undefined,
  proof?: CallerProof,
): RequestOptions {
  const credentials = proof && credentialsOf(proof);
  if (identity === undefined && remainingMs === undefined && credentials === undefined) return { signal };
  return {
    signal,
    ...(credentials === undefined ? {} : { credentials }),
    ...(identity === undefined ? {} : { identity: parseIdentity(identity) }),
    ...(remainingMs === undefined ? {} : { timeoutMs: Math.max(1, Math.min(maxTimeoutMs, remainingMs)) }),
  };
}

function credentialsOf({ tokens, certified }: CallerProof): Credentials | undefined {
  const token = tokens.find((one) => one !== undefined);
  if (token !== undefined) return { token };
  return certified === undefined || certified === "" ? undefined : { user: certified };
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** The value of a `grpc-timeout` header (gRPC over HTTP/2, "Timeout"), undefined when there is none or it is malformed. */
export function parseGrpcTimeout(text: string | undefined): number | undefined {
  const parts = text === undefined ? null : /^(\d{1,8})([HMSmun])$/.exec(text);
  return parts === null ? undefined : Number(parts[1]) * (unitMs[parts[2] ?? ""] ?? 0);
}
