import type { PolicyEvent } from "../resilience/index.ts";
import type { NoAgreementError } from "./redundancy-error.ts";

/** A node is held for failed, by a call's failure (`error`) or by a report; or it is not any more. */
export interface NodeEvent extends PolicyEvent {
  readonly type: "nodeFailed" | "nodeReturned";
  readonly node: string;
  /** What the call failed with; not there when the node was reported. */
  readonly error?: unknown;
}

/** A backup has become a primary. */
export interface PromotedEvent extends PolicyEvent {
  readonly type: "promoted";
  readonly node: string;
  readonly replaces: string;
}

/** A node gave another answer than those who agreed. */
export interface SuspectedEvent extends PolicyEvent {
  readonly type: "suspected";
  readonly node: string;
  readonly agreed: readonly string[];
}

export interface NoAgreementEvent extends PolicyEvent {
  readonly type: "noAgreement";
  readonly error: NoAgreementError;
}

export type RedundancyEvent = NodeEvent | PromotedEvent | SuspectedEvent | NoAgreementEvent;
