import { membersOf } from "./configuration.ts";
import type { NodeId } from "./entry.ts";
import type { PeerMessage } from "./peer-message.ts";
import type { Raft } from "./raft.ts";

/** What a node can tell of its way to one peer, by what Raft itself says on it. */
export interface PeerContact {
  readonly peer: NodeId;
  /**
   * `heard`: it says something again and again, as it should. `silent`: it should have been heard by now. `idle`: it
   * need not say anything, so that its silence means nothing.
   */
  readonly state: "heard" | "silent" | "idle";
  /** Milliseconds; undefined when it has not been heard yet. */
  readonly lastHeardMs: number | undefined;
}

interface Contact {
  heardAt: number | undefined;
  /** Since when an answer is owed. */
  askedAt: number | undefined;
  isSilent: boolean;
  /** It stood for election when it was last heard: then it speaks once an election timeout. */
  isSeeking: boolean;
  /** It says that it is there once a heartbeat, whenever it says nothing else. */
  beats: boolean;
}

/** So many heartbeats without a word are a silence: one may be on its way, and one late. */
const silentBeats = 3;

/**
 * Whom a node hears. A leader asks everybody with every heartbeat, who follows hears its leader as often, and who stands
 * for election asks for votes; between others nothing is said but beats, by those that send them. Who has fallen silent is
 * held for so until it is heard again, whatever becomes of this node's role meanwhile.
 */
export class PeerContacts {
  readonly #raft: Raft;
  readonly #contacts = new Map<NodeId, Contact>();
  #role: Raft["role"];
  /** The last that was known. */
  #leader: NodeId = 0;

  constructor(raft: Raft) {
    this.#raft = raft;
    this.#role = raft.role;
  }

  heard(peer: NodeId, now: number, type?: PeerMessage["type"]): void {
    const contact = this.#contact(peer);
    contact.isSeeking = type === "requestVote";
    contact.heardAt = now;
    contact.askedAt = undefined;
    contact.isSilent = false;
  }

  setBeats(peer: NodeId, beats: boolean): void {
    this.#contact(peer).beats = beats;
  }

  /** Only what is answered in any case, and at once, counts as a question. */
  said({ type, to }: PeerMessage, now: number): void {
    if (type === "heartbeat" || type === "requestVote") this.#contact(to).askedAt ??= now;
  }

  /** To be called at least once a heartbeat, and before anything else is learnt of who leads. */
  judge(now: number): void {
    const { role, leader, heartbeatMs, electionTimeoutMs } = this.#raft;
    // Who has stepped down is not owed anything.
    if (role !== this.#role) for (const contact of this.#contacts.values()) contact.askedAt = undefined;
    this.#role = role;
    if (leader !== 0) this.#leader = leader;
    const dueMs = silentBeats * heartbeatMs;
    for (const [peer, contact] of this.#contacts) {
      const { heardAt, askedAt, isSeeking, beats } = contact;
      const isRare = isSeeking && !beats;
      const isLate = heardAt === undefined || now - heardAt > (isRare ? 2 * electionTimeoutMs + heartbeatMs : dueMs);
      const isOwed = askedAt !== undefined && now - askedAt > dueMs - heartbeatMs;
      if (isLate && (isOwed || (heardAt !== undefined && (beats || this.#leads(peer))))) contact.isSilent = true;
    }
  }

  all(now: number): readonly PeerContact[] {
    this.judge(now);
    const peers = membersOf(this.#raft.configuration).filter((peer) => peer !== this.#raft.id);
    for (const peer of this.#contacts.keys()) if (!peers.includes(peer)) this.#contacts.delete(peer);
    return peers.map((peer) => {
      const contact = this.#contacts.get(peer);
      const lastHeardMs = contact?.heardAt === undefined ? undefined : Math.max(0, now - contact.heardAt);
      if (contact === undefined) return { peer, state: "idle", lastHeardMs };
      const isTalking =
        this.#raft.role === "leader" || this.#leads(peer) || contact.beats || contact.askedAt !== undefined;
      const state = contact.isSilent ? "silent" : isTalking && contact.heardAt !== undefined ? "heard" : "idle";
      return { peer, state, lastHeardMs };
    });
  }

  /** Whether it leads; or led until now, as nobody has followed it yet. */
  #leads(peer: NodeId): boolean {
    return this.#raft.role !== "leader" && peer === this.#leader;
  }

  #contact(peer: NodeId): Contact {
    const known = this.#contacts.get(peer);
    if (known !== undefined) return known;
    const contact = { heardAt: undefined, askedAt: undefined, isSilent: false, isSeeking: false, beats: false };
    this.#contacts.set(peer, contact);
    return contact;
  }
}
