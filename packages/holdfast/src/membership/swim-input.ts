import type { Address } from "../runtime/index.ts";
import type { Message } from "./message.ts";

/** Everything that can happen to a SWIM member. `now` is monotonic milliseconds. */
export type Input =
  /** The time is `wakeAt`, or later. */
  | { readonly type: "wake"; readonly now: number }
  /** A packet came from `from`, where the answer goes. */
  | { readonly type: "receive"; readonly now: number; readonly from: Address; readonly messages: readonly Message[] }
  /** A stream was opened by another member, which waits for an answer on `connection`. */
  | {
      readonly type: "streamRequest";
      readonly now: number;
      readonly connection: number;
      readonly messages: readonly Message[];
    }
  | {
      readonly type: "streamAnswer";
      readonly now: number;
      readonly exchange: number;
      readonly messages: readonly Message[];
    }
  | { readonly type: "streamFailed"; readonly now: number; readonly exchange: number }
  /** Gets to know a cluster through any of these; they are remembered and asked again while they are not members. */
  | { readonly type: "join"; readonly now: number; readonly addresses: readonly Address[] }
  | { readonly type: "leave"; readonly now: number }
  | { readonly type: "updateMeta"; readonly now: number; readonly meta: Uint8Array }
  | { readonly type: "broadcast"; readonly now: number; readonly payload: Uint8Array };
