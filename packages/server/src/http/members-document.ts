import type { MemberRole } from "holdfast/coordination";
import type { Membership, MemberState } from "holdfast/membership";
import { decodeNotice } from "../gossip/node-notice.ts";

/** What `GET /holdfast/v1/members` answers: who takes part in the gossip, as this member sees it. By name. */
export interface MembersDocument {
  readonly members: readonly GossipMember[];
}

export interface GossipMember {
  readonly name: string;
  /** For gossip. */
  readonly host: string;
  readonly port: number;
  readonly state: MemberState;
  /** As the member said last: of one that is dead or has left, what it was. */
  readonly role: MemberRole | null;
  readonly clientUrl: string | null;
  readonly httpUrl: string | null;
  /** `HOST:PORT`, for Raft. */
  readonly peer: string | null;
  /** How long the answering member has held it for what it is, in whole milliseconds; null where it does not know. */
  readonly sinceMs: number | null;
  /** Since the answering member last heard this one itself, in whole milliseconds; 0 for itself. */
  readonly lastHeardMs: number;
  /** Since when the answering member has asked this one in vain, whatever others heard; null when it answers. */
  readonly unansweredMs?: number | null;
  readonly incarnation: number;
}

/** What is asked about who is there: a running membership will do. */
export interface MembershipView extends Pick<Membership, "members" | "heardMsAgo"> {
  /** Milliseconds for which one was asked in vain; without it, nobody is told. */
  unansweredMs?(name: string): number | undefined;
  /** Milliseconds since a member's state last changed; without it, nobody is told. */
  sinceMs?(name: string): number | undefined;
}

export function membersDocument(membership: MembershipView): MembersDocument {
  const members = membership.members().map(({ name, host, port, state, meta, incarnation }): GossipMember => {
    const lastHeardMs = Math.round(membership.heardMsAgo(name) ?? 0);
    const since = membership.sinceMs?.(name);
    const sinceMs = since === undefined ? null : Math.round(since);
    const unanswered = membership.unansweredMs?.(name);
    const unansweredMs = unanswered === undefined ? null : Math.round(unanswered);
    return { name, host, port, state, ...decodeNotice(meta), sinceMs, lastHeardMs, unansweredMs, incarnation };
  });
  return { members: members.toSorted((left, right) => (left.name < right.name ? -1 : 1)) };
}
