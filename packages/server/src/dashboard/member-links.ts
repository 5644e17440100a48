import type { LinkView } from "holdfast/telemetry";
import type { GossipMember } from "../http/members-document.ts";
import type { StatusDocument } from "../http/member-status.ts";
import type { MemberWord } from "./member-word.ts";

type Contact = NonNullable<StatusDocument["contacts"]>[number];
type Finding = Omit<LinkView, "to">;

/** What was heard longer ago says nothing of now, where nothing need have been heard since. */
const recentlyMs = 3_000;
/** Gossip that came so much later than the last that the members agreed upon came when that was missing. */
const afterwardsMs = 250;

/**
 * What a member says of its ways to the others: by what it heard of them last, whichever way that came. Members hear each
 * other ten times a second, and know within a third of one that they do not; those that send no beats, and neither lead nor
 * follow, go by gossip, which takes seconds. Of whom it never heard anything it says nothing.
 */
export function linksOf(
  { status, gossip }: MemberWord,
  members: readonly Pick<StatusDocument["members"][number], "id" | "name">[],
): readonly LinkView[] {
  const others = members.filter(({ name }) => name !== status.member.name);
  return others.flatMap(({ id, name: to }): LinkView[] => {
    const contact = status.contacts?.find((one) => one.id === id);
    const seen = gossip?.members.find(({ name }) => name === to);
    const finding = findingOf(contact, seen, others.length);
    return finding === undefined ? [] : [{ to, ...finding }];
  });
}

function findingOf(contact: Contact | undefined, seen: GossipMember | undefined, others: number): Finding | undefined {
  const raftMs = contact?.lastHeardMs ?? Number.POSITIVE_INFINITY;
  const gossipMs = seen?.lastHeardMs ?? Number.POSITIVE_INFINITY;
  const lastHeardMs = Math.min(raftMs, gossipMs);
  const isSilent = contact?.state === "silent";
  if (contact?.state === "heard") return { state: "up", lastHeardMs, source: "raft" };
  if (isSilent && (gossipMs + afterwardsMs > raftMs || gossipMs > recentlyMs)) {
    return { state: "down", lastHeardMs: Number.isFinite(lastHeardMs) ? lastHeardMs : 0, source: "raft" };
  }
  // What should be heard is not, and something else is: half of a way.
  if (isSilent) return { state: "suspect", lastHeardMs, source: "gossip" };
  if (!Number.isFinite(lastHeardMs)) return undefined;
  const source = raftMs < gossipMs ? "raft" : "gossip";
  if (seen === undefined) return { state: raftMs <= recentlyMs ? "up" : "unknown", lastHeardMs, source };
  return { state: stateOf(seen, lastHeardMs, others), lastHeardMs, source };
}

/** Gossip's judgement, unless the other was heard after it. */
function stateOf({ state, sinceMs, unansweredMs }: GossipMember, heardMs: number, others: number): LinkView["state"] {
  if (state === "left") return "down";
  const isHeardSince = sinceMs !== null && heardMs < sinceMs && heardMs < recentlyMs;
  if (state === "dead") return isHeardSince ? "up" : "down";
  // Others may reach it; this one has asked it in vain.
  if (typeof unansweredMs === "number" && heardMs >= unansweredMs) return "down";
  if (state === "suspect") return isHeardSince ? "up" : "suspect";
  // Each of the others is asked in its turn, one a second; where two rounds fall badly, twice as late.
  return heardMs <= recentlyMs + 2_000 * others ? "up" : "unknown";
}
