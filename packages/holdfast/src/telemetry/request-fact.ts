/** A client's request has ended. */
export interface RequestFact {
  readonly type: "request";
  /** The gRPC path: `/etcdserverpb.KV/Put`. */
  readonly method: string;
  readonly transport: "grpc" | "http" | "holdfast";
  /** A gRPC status code, 0 for success. */
  readonly code: number;
  /** From the decoded request to the encoded answer. */
  readonly durationMs: number;
  /** Why it was refused; null on success. */
  readonly error: string | null;
}
