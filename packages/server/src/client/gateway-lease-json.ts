import type {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseId,
  LeaseKeepAliveResponse,
  LeasesResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from "holdfast/coordination";
import type { Json } from "./gateway-json.ts";

/** Leases in the gateway's documents. Ids are decimal there, with their sign. */
export function encodeLeaseGrant({ id = 0n, ttlSeconds }: LeaseGrantRequest): Json {
  return { TTL: String(ttlSeconds), ...(id === 0n ? {} : { ID: id.toString() }) };
}

export function encodeLeaseId({ id }: { readonly id: LeaseId }): Json {
  return { ID: id.toString() };
}

export function encodeLeaseTimeToLive({ id, keys = false }: LeaseTimeToLiveRequest): Json {
  return { ID: id.toString(), ...(keys ? { keys } : {}) };
}

export function decodeLeaseGrant(json: Json): LeaseGrantResponse {
  return { id: idOf(json), ttlSeconds: Number(json["TTL"] ?? 0) };
}

export function decodeLeaseKeepAlive(json: Json): LeaseKeepAliveResponse {
  return { id: idOf(json), ttlSeconds: Number(json["TTL"] ?? 0) };
}

export function decodeLeaseTimeToLive(json: Json): LeaseTimeToLiveResponse {
  return {
    id: idOf(json),
    ttlSeconds: Number(json["TTL"] ?? 0),
    grantedTtlSeconds: Number(json["grantedTTL"] ?? 0),
    keys: ((json["keys"] ?? []) as readonly string[]).map((key) => Buffer.from(key, "base64")),
  };
}

export function decodeLeases(json: Json): LeasesResponse {
  return { leases: ((json["leases"] ?? []) as readonly Json[]).map(idOf) };
}

function idOf(json: Json): LeaseId {
  return BigInt((json["ID"] as string | undefined) ?? 0);
}
