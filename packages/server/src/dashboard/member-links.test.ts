import { expect, it } from "vitest";
import type { GossipMember } from "../http/members-document.ts";
import type { StatusDocument } from "../http/member-status.ts";
import { linksOf } from "./member-links.ts";

type Contact = NonNullable<StatusDocument["contacts"]>[number];
type Gossip = Pick<GossipMember, "state" | "lastHeardMs"> & Partial<GossipMember>;

const members = [
  { id: "a1", name: "n1" },
  { id: "b2", name: "n2" },
];

/** What n1 says of its way to n2. */
function link(contact: Omit<Contact, "id"> | undefined, gossip: Gossip | undefined): string {
  const word = {
    status: {
      member: { name: "n1" },
      ...(contact === undefined ? {} : { contacts: [{ id: "b2", ...contact }] }),
    } as unknown as StatusDocument,
    gossip: { members: gossip === undefined ? [] : [{ name: "n2", sinceMs: null, ...gossip } as GossipMember] },
  };
  const [found] = linksOf(word, members);
  return found === undefined ? "nothing" : `${found.to} ${found.state} ${found.lastHeardMs} ${found.source}`;
}

const alive = (lastHeardMs: number, more: Partial<GossipMember> = {}): Gossip => ({
  state: "alive",
  lastHeardMs,
  ...more,
});
const heard = (lastHeardMs: number): Omit<Contact, "id"> => ({ state: "heard", lastHeardMs });
const silent = (lastHeardMs: number | null): Omit<Contact, "id"> => ({ state: "silent", lastHeardMs });
const idle = (lastHeardMs: number | null): Omit<Contact, "id"> => ({ state: "idle", lastHeardMs });

it.each<[string, Omit<Contact, "id"> | undefined, Gossip | undefined, string]>([
  [
    "who is heard again and again is there, whatever gossip holds",
    heard(60),
    { state: "dead", lastHeardMs: 9_000 },
    "n2 up 60 raft",
  ],
  [
    "who should be heard and is not is cut off, long before gossip doubts it",
    silent(340),
    alive(900),
    "n2 down 340 raft",
  ],
  ["gossip just before the silence is no sign of life", silent(340), alive(200), "n2 down 200 raft"],
  ["gossip during the silence makes half of a way", silent(1_500), alive(800), "n2 suspect 800 gossip"],
  ["gossip of long ago does not", silent(9_000), alive(3_500), "n2 down 3500 raft"],
  ["who was never heard and should have been", silent(null), undefined, "n2 down 0 raft"],
  ["nobody need say anything, and gossip hears", idle(60_000), alive(700), "n2 up 700 gossip"],
  ["whoever heard it last counts", idle(200), alive(1_700), "n2 up 200 raft"],
  ["asked in vain, though others reach it", idle(60_000), alive(4_000, { unansweredMs: 1_200 }), "n2 down 4000 gossip"],
  ["asked in vain, and heard by other ways since", idle(300), alive(4_000, { unansweredMs: 1_200 }), "n2 up 300 raft"],
  [
    "suspected by others, and heard since",
    idle(null),
    { state: "suspect", lastHeardMs: 90, sinceMs: 400 },
    "n2 up 90 gossip",
  ],
  ["suspected", idle(null), { state: "suspect", lastHeardMs: 900, sinceMs: 400 }, "n2 suspect 900 gossip"],
  ["held for dead", idle(null), { state: "dead", lastHeardMs: 7_000, sinceMs: 400 }, "n2 down 7000 gossip"],
  ["held for dead, and heard since", idle(200), { state: "dead", lastHeardMs: 7_000, sinceMs: 400 }, "n2 up 200 raft"],
  ["it said farewell", idle(200), { state: "left", lastHeardMs: 300, sinceMs: 400 }, "n2 down 200 raft"],
  ["not heard for longer than rounds take", idle(null), alive(5_500), "n2 unknown 5500 gossip"],
  ["nobody watches, and nothing was to be said lately", idle(3_500), undefined, "n2 unknown 3500 raft"],
  ["nobody watches, and it was heard just now", idle(500), undefined, "n2 up 500 raft"],
  ["a member of before that tells of gossip alone", undefined, alive(40), "n2 up 40 gossip"],
  ["nobody has ever heard anything", idle(null), undefined, "nothing"],
])("%s", (_what, contact, gossip, expected) => {
  expect(link(contact, gossip)).toBe(expected);
});
