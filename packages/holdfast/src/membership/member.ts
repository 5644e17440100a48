import type { Address } from "../runtime/index.ts";

/** What is believed of a member. Only `alive` and `suspect` members are probed. */
export type MemberState = "alive" | "suspect" | "dead" | "left";

/** A member as others know it. Values are replaced, never changed in place, except by whoever made them. */
export interface Member extends Address {
  /** Unique in the cluster. */
  readonly name: string;
  /** Whatever the member wants others to know: its role, its ports. */
  readonly meta: Uint8Array;
  /** Raised by the member alone, to overrule what was said of it. A safe integer >= 0. */
  readonly incarnation: number;
  readonly state: MemberState;
}

/** Who sends, and where an answer goes. */
export interface MemberAddress extends Address {
  readonly name: string;
}

/** Incarnations from outside at or above this are refused, so that there is always room to refute. */
export const maxIncarnation: number = 2 ** 48;

/** Bytes a member's `meta` may have. */
export const maxMetaBytes = 512;

/** UTF-8 bytes a member's name may have. */
export const maxNameBytes = 128;
