import type { FieldSpec } from "./schema.ts";

/** The messages of grpc.health.v1.Health, which etcd serves too: see `schema.ts`. */
export type HealthMessageName = "HealthCheckRequest" | "HealthCheckResponse";

export const healthMessages: Readonly<Record<HealthMessageName, Readonly<Record<string, FieldSpec>>>> = {
  HealthCheckRequest: { service: [1, "string"] },
  // A number of its own enumeration, which no JSON ever names.
  HealthCheckResponse: { status: [1, "int32"] },
};
