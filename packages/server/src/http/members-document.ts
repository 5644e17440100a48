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
  /** Since the answering member last heard this one itself, in whole milliseconds; 0 for itself. */
  readonly lastHeardMs: number;
  readonly incarnation: number;
}

export function membersDocument(membership: Pick<Membership, "members" | "heardMsAgo">): MembersDocument {
  const members = membership.members().map(({ name, host, port, state, meta, incarnation }): GossipMember => {
    const lastHeardMs = Math.round(membership.heardMsAgo(name) ?? 0);
    return { name, host, port, state, ...decodeNotice(meta), lastHeardMs, incarnation };
  });
  return { members: members.toSorted((left, right) => (left.name < right.name ? -1 : 1)) };
}
