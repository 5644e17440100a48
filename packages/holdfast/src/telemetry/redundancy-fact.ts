import type { ToldError } from "./told-error.ts";

interface RedundancyFactOf {
  /** The `name` of what tells. */
  readonly policy: string;
}

/** A redundant node is held for failed. */
export interface NodeFailed extends RedundancyFactOf {
  readonly type: "nodeFailed";
  readonly node: string;
  /** Of the call that failed; null where somebody has reported it. */
  readonly error: ToldError | null;
}

/** It is not any more. */
export interface NodeReturned extends RedundancyFactOf {
  readonly type: "nodeReturned";
  readonly node: string;
  readonly error: ToldError | null;
}

/** A backup has become a primary. */
export interface Promoted extends RedundancyFactOf {
  readonly type: "promoted";
  readonly node: string;
  readonly replaces: string;
}

/** A node gave another answer than those who agreed. */
export interface Suspected extends RedundancyFactOf {
  readonly type: "suspected";
  readonly node: string;
  readonly agreed: readonly string[];
}

/** Redundant nodes gave no answer that enough of them share. */
export interface NoAgreement extends RedundancyFactOf {
  readonly type: "noAgreement";
  readonly error: ToldError;
}

/** What redundant nodes did. */
export type RedundancyFact = NodeFailed | NodeReturned | Promoted | Suspected | NoAgreement;
