import type { MockFaultKind } from "./mock-fault.ts";

/**
 * What became of a request. `cut`: the service broke the connection on purpose. `clientGone`: the client went away before
 * it had all of the answer. `closed`: the service was closed first.
 */
export type RequestOutcome = "pending" | "answered" | "cut" | "clientGone" | "closed";

/** A request as the journal tells it. */
export interface JournaledRequest {
  /** 1, 2, … */
  readonly id: number;
  readonly method: string;
  /** As it came, without the query. */
  readonly path: string;
  /** Without `?`. */
  readonly query: string;
  /** Names in lower case; what is secret reads `[redacted]`. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The first `maxBodyBytes` of the journal, as UTF-8. */
  readonly body: string;
  /** Of the body as it came. */
  readonly bodyBytes: number;
  readonly isBodyCut: boolean;
  /** Null where nothing was there. */
  readonly route: string | null;
  readonly params: Readonly<Record<string, string>>;
  /** What struck it. */
  readonly faults: readonly { readonly id: string; readonly kind: MockFaultKind }[];
  /** Null as long as there is none, and where there never was one. */
  readonly status: number | null;
  /** Why a handler failed. */
  readonly error: string | null;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** From its headers to its end; null as long as it goes on. */
  readonly durationMs: number | null;
  readonly outcome: RequestOutcome;
}
