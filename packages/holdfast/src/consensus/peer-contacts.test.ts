import { describe, expect, it } from "vitest";
import { PeerContacts } from "./peer-contacts.ts";
import type { PeerMessage } from "./peer-message.ts";
import { createRaft, type Raft } from "./raft.ts";
import { seededRandom } from "../runtime/index.ts";

const configuration = { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [] };

function raftOf(id: number): Raft {
  const snapshot = { index: 0, term: 0, configuration };
  const hardState = { term: 1, vote: 0, commit: 0 };
  const timing = { heartbeatMs: 100, electionTimeoutMs: 500 };
  return createRaft({ id, hardState, snapshot, entries: [], random: seededRandom(1), ...timing } as never);
}

const to = (peer: number, type: "heartbeat" | "requestVote" | "heartbeatResult"): PeerMessage =>
  ({ type, to: peer }) as PeerMessage;

function states(contacts: PeerContacts, now: number): string {
  return contacts
    .all(now)
    .map(({ peer, state, lastHeardMs }) => `${peer} ${state} ${lastHeardMs ?? "never"}`)
    .join(", ");
}

/** Heartbeats of a leader, each answered at once by those that hear them. */
function beat(contacts: PeerContacts, from: number, until: number, hearing: readonly number[]): void {
  for (let now = from; now <= until; now += 100) {
    contacts.judge(now);
    for (const peer of [2, 3]) contacts.said(to(peer, "heartbeat"), now);
    for (const peer of hearing) contacts.heard(peer, now + 1);
  }
}

describe("a leader's contacts", () => {
  const raft = raftOf(1);
  raft.role = "leader";
  raft.leader = 1;

  it("fall silent when three heartbeats have passed without a word, and are heard again with the first", () => {
    const contacts = new PeerContacts(raft);
    beat(contacts, 0, 1_000, [2, 3]);
    expect(states(contacts, 1_050)).toBe("2 heard 49, 3 heard 49");
    beat(contacts, 1_100, 1_300, [2]);
    expect(states(contacts, 1_301)).toBe("2 heard 0, 3 heard 300");
    expect(states(contacts, 1_350)).toBe("2 heard 49, 3 silent 349");
    contacts.heard(3, 1_400);
    expect(states(contacts, 1_400)).toBe("2 heard 99, 3 heard 0");
  });

  it("are not judged by the time before it asked", () => {
    const contacts = new PeerContacts(raft);
    contacts.heard(3, 0);
    contacts.said(to(3, "heartbeat"), 60_000);
    expect(states(contacts, 60_050)).toBe("2 idle never, 3 heard 60050");
    expect(states(contacts, 60_250)).toBe("2 idle never, 3 silent 60250");
  });

  it("that stand for election speak less often", () => {
    const contacts = new PeerContacts(raft);
    contacts.said(to(2, "heartbeat"), 0);
    contacts.heard(2, 1_000, "requestVote");
    contacts.said(to(2, "heartbeat"), 1_100);
    expect(states(contacts, 2_090)).toContain("2 heard 1090");
    expect(states(contacts, 2_110)).toContain("2 silent 1110");
  });

  it("are silent though they were never heard, once asked", () => {
    const contacts = new PeerContacts(raft);
    contacts.said(to(2, "heartbeat"), 0);
    expect(states(contacts, 150)).toBe("2 idle never, 3 idle never");
    expect(states(contacts, 250)).toBe("2 silent never, 3 idle never");
  });
});

describe("a follower's contacts", () => {
  it("are its leader, and nobody else", () => {
    const raft = raftOf(2);
    raft.leader = 1;
    const contacts = new PeerContacts(raft);
    contacts.heard(1, 0);
    contacts.heard(3, 0);
    contacts.said(to(1, "heartbeatResult"), 0);
    expect(states(contacts, 290)).toBe("1 heard 290, 3 idle 290");
    expect(states(contacts, 310)).toBe("1 silent 310, 3 idle 310");
  });

  it("hold a leader for silent until it is heard, whoever leads meanwhile", () => {
    const raft = raftOf(2);
    raft.leader = 1;
    const contacts = new PeerContacts(raft);
    contacts.heard(1, 0);
    contacts.judge(200);
    raft.leader = 0;
    contacts.judge(400);
    raft.leader = 3;
    contacts.heard(3, 500);
    expect(states(contacts, 550)).toBe("1 silent 550, 3 heard 50");
    contacts.heard(1, 600);
    expect(states(contacts, 610)).toBe("1 idle 10, 3 heard 110");
  });

  it("do not fall silent by handing leadership over", () => {
    const raft = raftOf(2);
    raft.leader = 1;
    const contacts = new PeerContacts(raft);
    contacts.heard(1, 0);
    contacts.judge(100);
    raft.leader = 3;
    contacts.heard(3, 110);
    contacts.judge(120);
    expect(states(contacts, 400)).toBe("1 idle 400, 3 heard 290");
  });
});

describe("contacts that beat", () => {
  it("are heard, whoever leads, and fall silent after three of their beats", () => {
    const raft = raftOf(2);
    raft.leader = 1;
    const contacts = new PeerContacts(raft);
    contacts.setBeats(3, true);
    expect(states(contacts, 50)).toBe("1 idle never, 3 idle never");
    contacts.heard(3, 100);
    expect(states(contacts, 400)).toBe("1 idle never, 3 heard 300");
    expect(states(contacts, 401)).toBe("1 idle never, 3 silent 301");
    contacts.heard(3, 500, "requestVote");
    expect(states(contacts, 500)).toBe("1 idle never, 3 heard 0");
    // Who stands for election speaks seldom, but beats.
    expect(states(contacts, 801)).toBe("1 idle never, 3 silent 301");
  });

  it("need say nothing any more once they come without", () => {
    const contacts = new PeerContacts(raftOf(2));
    contacts.setBeats(3, true);
    contacts.heard(3, 100);
    contacts.setBeats(3, false);
    expect(states(contacts, 900)).toBe("1 idle never, 3 idle 800");
  });
});

it("a candidate's contacts owe it an answer, and one that steps down is owed nothing", () => {
  const raft = raftOf(2);
  raft.role = "preCandidate";
  const contacts = new PeerContacts(raft);
  for (const peer of [1, 3]) contacts.said(to(peer, "requestVote"), 0);
  contacts.heard(3, 1);
  expect(states(contacts, 190)).toBe("1 idle never, 3 idle 189");
  expect(states(contacts, 210)).toBe("1 silent never, 3 idle 209");
  const other = new PeerContacts(raft);
  other.said(to(1, "requestVote"), 0);
  raft.role = "follower";
  other.judge(100);
  expect(states(other, 900)).toBe("1 idle never, 3 idle never");
});

it("who is no member any more is forgotten", () => {
  const raft = raftOf(1);
  const contacts = new PeerContacts(raft);
  contacts.heard(9, 0);
  expect(states(contacts, 10)).toBe("2 idle never, 3 idle never");
});
