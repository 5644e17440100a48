/** What both events of a live fault tell. */
interface FaultOf {
  /** Its id. */
  readonly fault: string;
  /** The name of what it strikes. */
  readonly target: string;
  readonly kind: string;
}

/** A fault has begun in a running system, on purpose. */
export interface FaultInjected extends FaultOf {
  readonly type: "faultInjected";
  /** How it strikes: what its kind was given, defaults included. */
  readonly parameters: { readonly [name: string]: unknown };
  /** After which it ends by itself. */
  readonly durationMs: number;
}

/** Nothing is left of a fault. */
export interface FaultRemoved extends FaultOf {
  readonly type: "faultRemoved";
  /** Its time was over, it was taken back by id, with all others, with its target, or after a crash of the injector. */
  readonly reason: "expired" | "removed" | "healed" | "closed" | "failed" | "recovered";
  readonly lastedMs: number;
  /** How often it has had an effect; null where the target cannot tell. */
  readonly struck: number | null;
}

/** What fault injection did. */
export type FaultFact = FaultInjected | FaultRemoved;
