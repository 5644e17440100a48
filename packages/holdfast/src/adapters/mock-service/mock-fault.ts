/** Which requests a fault strikes, and how many of them. */
interface Reach {
  /** 1 to 64 letters, digits, `_`, `.` and `-`. Default the kind and a number. */
  readonly id?: string;
  /** It ends after this time. Default: with `remove`, or the service. */
  readonly durationMs?: number;
}

interface Aim extends Reach {
  /** Only requests to the route of this name. Default all, also those to nothing. */
  readonly route?: string;
  /** Only requests of this method. */
  readonly method?: string;
  /** Only requests to such a path: `/users/:id`. */
  readonly path?: string;
  /** The share of them that it strikes, 0..1: drawn once for each. Default 1. */
  readonly ratio?: number;
  /** It lets so many pass first. Default 0. */
  readonly skip?: number;
  /** It strikes no more than this many. Default all. */
  readonly times?: number;
}

/** How a service fails. What is drawn comes from the service's seed. */
export type MockFault =
  /** The answer comes later: after exactly `delayMs`, and an exponentially distributed rest of mean `jitterMs`. */
  | (Aim & {
      readonly kind: "latency";
      readonly distribution?: "constant";
      readonly delayMs: number;
      readonly jitterMs?: number;
    })
  | (Aim & {
      readonly kind: "latency";
      readonly distribution: "uniform";
      readonly minMs: number;
      readonly maxMs: number;
      readonly jitterMs?: number;
    })
  | (Aim & {
      readonly kind: "latency";
      readonly distribution: "normal";
      readonly meanMs: number;
      readonly deviationMs: number;
      readonly jitterMs?: number;
    })
  /** Another status instead of the answer. Default 500. */
  | (Aim & { readonly kind: "status"; readonly status?: number; readonly retryAfterS?: number })
  /** So many requests in each `perMs` (default 1 000); 429 with Retry-After for those beyond. */
  | (Aim & { readonly kind: "rateLimit"; readonly requests: number; readonly perMs?: number; readonly status?: number })
  /** Nothing is answered, for `forMs` or until the fault ends; then it goes on. */
  | (Aim & { readonly kind: "hang"; readonly forMs?: number })
  /** The connection is reset (RST): before the headers, after them, or after `bytes` of the body (default half of it). */
  | (Aim & {
      readonly kind: "reset";
      readonly when?: "beforeHeaders" | "afterHeaders" | "inBody";
      readonly bytes?: number;
    })
  /** The connection is closed without an answer. */
  | (Aim & { readonly kind: "close" })
  /** Bytes that are no HTTP, then the end. */
  | (Aim & { readonly kind: "garbage"; readonly bytes?: number })
  /** The whole length is promised; the connection is closed after `bytes` (default half). */
  | (Aim & { readonly kind: "partialBody"; readonly bytes?: number })
  /** A chunked body that ends after `bytes` (default half), without its last chunk. */
  | (Aim & { readonly kind: "truncatedChunks"; readonly bytes?: number })
  /** A bit turns in a `share` of the bytes (default 0.01), at least in one. */
  | (Aim & { readonly kind: "corruptBody"; readonly share?: number })
  /** The whole body comes, and is no JSON. */
  | (Aim & { readonly kind: "malformedJson" })
  /** The body is called `type`. Default `text/html`. */
  | (Aim & { readonly kind: "wrongType"; readonly type?: string })
  /** The body comes so slowly. */
  | (Aim & { readonly kind: "slowBody"; readonly bytesPerSecond: number })
  /** Nobody listens: connections are refused, and those that are open are reset; then the same port again. */
  | (Reach & { readonly kind: "down" });

export type MockFaultKind = MockFault["kind"];

/** A fault of a service as it stands. */
export interface MockFaultState {
  readonly id: string;
  readonly kind: MockFaultKind;
  /** With the defaults filled in. */
  readonly parameters: Readonly<Record<string, number | string | boolean>>;
  /** How often it has had an effect. */
  readonly struck: number;
}

/** A fault that goes on; leaving its scope with `await using` ends it. */
export interface MockFaultHandle extends MockFaultState, AsyncDisposable {
  /** Ends it, and tells how often it has had an effect. What hangs goes on. Idempotent. */
  remove(): Promise<number>;
}
