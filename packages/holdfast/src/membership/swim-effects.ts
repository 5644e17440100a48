import type { Address } from "../runtime/index.ts";
import type { Member } from "./member.ts";
import type { Message } from "./message.ts";

/** What a member noticed. `member` is as it is known after the event. */
export type MembershipEvent =
  /** A member not known before, or one that had left. */
  | { readonly type: "join"; readonly member: Member }
  /** A member that was thought dead lives. */
  | { readonly type: "return"; readonly member: Member }
  | { readonly type: "suspect"; readonly member: Member; readonly from: string }
  /** A suspect showed that it lives. */
  | { readonly type: "cleared"; readonly member: Member }
  | { readonly type: "failed"; readonly member: Member; readonly from: string }
  | { readonly type: "left"; readonly member: Member }
  /** A member's `meta` or address changed. */
  | { readonly type: "update"; readonly member: Member }
  /** A dead or departed member was forgotten. */
  | { readonly type: "forgotten"; readonly member: Member }
  | { readonly type: "user"; readonly id: string; readonly payload: Uint8Array }
  /** Somebody else uses a name that is taken; what it says was ignored. */
  | { readonly type: "conflict"; readonly name: string; readonly known: Address; readonly other: Address }
  /** A member asked to join through answered, and the lists are merged. */
  | { readonly type: "joined"; readonly address: Address; readonly members: number }
  | { readonly type: "joinFailed"; readonly address: Address }
  /** This member was accused and has overruled it with a higher incarnation. */
  | { readonly type: "refuted"; readonly incarnation: number }
  /** This process was held up: everything it waits for was given as much more time. */
  | { readonly type: "stalled"; readonly lagMs: number }
  /** `leave` was asked for, and the news is spread as far as it will be. */
  | { readonly type: "departed" };

/** One packet. */
export interface Packet {
  readonly to: Address;
  readonly messages: readonly Message[];
}

/**
 * A stream to open: connect, write `messages`, read one list of messages, close. The answer is given back as
 * `streamAnswer`, a failure or `timeoutMs` without an answer as `streamFailed`, with the same `exchange`.
 */
export interface StreamRequest {
  readonly exchange: number;
  readonly to: Address;
  readonly messages: readonly Message[];
  readonly timeoutMs: number;
}

/** What to write to a stream on which `streamRequest` came, before it is closed. */
export interface StreamReply {
  readonly connection: number;
  readonly messages: readonly Message[];
}

/** What one step asks of the driver, in any order. The driver then sets its one timer to `swim.wakeAt`. */
export interface Effects {
  packets: Packet[];
  streams: StreamRequest[];
  replies: StreamReply[];
  events: MembershipEvent[];
  /**
   * This wake-up came too late to judge anybody: give the core all input that already waits (a turn of the event loop
   * or more) before the next `wake`.
   */
  drain: boolean;
}

export function noEffects(): Effects {
  return { packets: [], streams: [], replies: [], events: [], drain: false };
}
