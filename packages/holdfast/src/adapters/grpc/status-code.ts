import { grpcStatusNames } from "../../errors/index.ts";
import type { status } from "@grpc/grpc-js";

/** The client's type of codes. */
export type GrpcCode = status;

const codes: unknown = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
};

/** The codes of gRPC by name (https://grpc.io/docs/guides/status-codes/); the client's own list is not loaded for them. */
export const grpcCode: Readonly<Record<CodeName, GrpcCode>> = codes as Record<CodeName, GrpcCode>;

type CodeName =
  | "ok"
  | "cancelled"
  | "unknown"
  | "deadlineExceeded"
  | "resourceExhausted"
  | "internal"
  | "unavailable"
  | "dataLoss";

/** The highest code there is. */
export const lastCode = 16;

export function nameOfCode(code: number): string {
  return grpcStatusNames[code] ?? `status ${code}`;
}
