import type { FieldSpec } from "./schema.ts";

/** The messages of grpc.health.v1.Health, which etcd serves too: see `schema.ts`. */
export type HealthMessageName =
  | "HealthCheckRequest"
  | "HealthCheckResponse"
  | "HealthListRequest"
  | "HealthListEntry"
  | "HealthListResponse";

export const healthMessages: Readonly<Record<HealthMessageName, Readonly<Record<string, FieldSpec>>>> = {
  HealthCheckRequest: { service: [1, "string"] },
  // A number of its own enumeration, which no JSON ever names.
  HealthCheckResponse: { status: [1, "int32"] },
  HealthListRequest: {},
  // What a map is on the wire: its entries.
  HealthListEntry: { key: [1, "string"], value: [2, "HealthCheckResponse"] },
  HealthListResponse: { statuses: [1, "HealthListEntry", "repeated"] },
};
