import type { MembersDocument } from "../http/members-document.ts";
import type { StatusDocument } from "../http/member-status.ts";

/** What a member said of itself and of the others, lately. */
export interface MemberWord {
  readonly status: StatusDocument;
  /** Undefined where nobody watches the members. */
  readonly gossip: MembersDocument | undefined;
}

/** What is known of one member's being there. */
export interface MemberPresence {
  /** Undefined while it does not answer. */
  readonly word: MemberWord | undefined;
  /** Monotonic milliseconds since which it answers, or does not; undefined when it has done so since it was first asked. */
  readonly sinceMs: number | undefined;
}

/** What a supervisor knows of a member's process. */
export interface MemberProcessState {
  readonly isRunning: boolean;
  /** For how long, in milliseconds. */
  readonly forMs: number;
}

/** Whom the cluster may consist of, before anybody has answered. */
export interface KnownMember {
  readonly name: string;
  readonly clientUrl: string | null;
  readonly httpUrl: string | null;
}
