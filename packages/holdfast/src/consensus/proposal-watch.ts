import type { AppendMark, Effects } from "./effects.ts";
import type { NodeId } from "./entry.ts";
import { maxNoteLength, type Message, type Propose } from "./message.ts";
import type { Raft } from "./raft.ts";

/**
 * How far a command has come: `appended` to the leader's log, `synced` on its disk, `acknowledged` by a follower that has
 * it on its own, `committed` by a majority, `applied`; `forwarded` to the leader, from where on this node hears nothing of
 * it until it is applied; `dropped` as nobody leads, or too much is uncommitted; `lost` with the leadership: other entries
 * are, or may be, in its place.
 */
export type ProposalStage =
  | "appended"
  | "synced"
  | "acknowledged"
  | "committed"
  | "applied"
  | "forwarded"
  | "dropped"
  | "lost";

/** Follows commands on their way. What it throws changes nothing; commands are known by their very objects. */
export interface ProposalObserver {
  /** Whether anybody wants to hear of this command, which was proposed here or has come from a follower with a note. */
  follows(command: Uint8Array): boolean;
  /** `index` is the entry's, 0 where it is not known; `member` who has acknowledged it or gets it forwarded, else 0. */
  onStage(command: Uint8Array, stage: ProposalStage, index: number, member: NodeId): void;
  /**
   * What goes along with a command to the leader, at most 1 024 characters: a trace, say. It is neither in the log nor of
   * any weight to Raft, and a leader that does not observe proposals is not sent it. Undefined for nothing.
   */
  noteOf(command: Uint8Array): string | undefined;
  /** A follower has forwarded a command, with a note. */
  onNote(command: Uint8Array, note: string, from: NodeId): void;
}

interface WatchedEntry {
  readonly command: Uint8Array;
  readonly index: number;
  readonly term: number;
  isSynced: boolean;
  isCommitted: boolean;
}

/** Commands watched at once; what is beyond is proposed all the same. */
const maxWatched = 20_000;

/** Tells of commands, proposed at this node or forwarded to it, as the core's effects show them. */
export class ProposalWatch {
  readonly #raft: Raft;
  readonly #observer: ProposalObserver;
  readonly #onThrown: () => void;
  readonly #proposed = new Set<Uint8Array>();
  /** In the leader's log and not yet applied, in order. */
  #entries: WatchedEntry[] = [];
  /** Up to where each follower has acknowledged, as far as it was told. */
  readonly #acknowledged = new Map<NodeId, number>();

  constructor(raft: Raft, observer: ProposalObserver, onThrown: () => void) {
    this.#raft = raft;
    this.#observer = observer;
    this.#onThrown = onThrown;
  }

  add(command: Uint8Array): void {
    if (this.#proposed.size + this.#entries.length >= maxWatched) return;
    if (this.#asked(() => this.#observer.follows(command)) === true) this.#proposed.add(command);
  }

  /** As it goes to the leader: with what is to go along. */
  withNotes(message: Message): Message {
    if (message.type !== "propose") return message;
    const notes = message.commands.flatMap((command, at) => {
      const text = this.#asked(() => this.#observer.noteOf(command));
      return text === undefined || text.length > maxNoteLength ? [] : [{ at, text }];
    });
    return notes.length === 0 ? message : { ...message, notes };
  }

  /** Of what has come from a follower, while `feed` gives it to the core. */
  arrive({ commands, notes = [], from }: Propose, feed: () => void): void {
    const noted: Uint8Array[] = [];
    for (const { at, text } of notes) {
      const command = commands[at];
      if (command === undefined) continue;
      this.#asked(() => this.#observer.onNote(command, text, from));
      this.add(command);
      noted.push(command);
    }
    feed();
    // A node that does not lead takes nothing, and says nothing of it.
    for (const command of noted) this.#leave(command, "dropped");
  }

  /** Of one step, before they are performed. */
  onEffects({ entries, messages, dropped }: Effects): void {
    if (this.#proposed.size > 0) {
      for (const { data, index, term } of entries) {
        if (!this.#proposed.delete(data)) continue;
        this.#entries.push({ command: data, index, term, isSynced: false, isCommitted: false });
        this.#tell(data, "appended", index);
      }
      for (const command of dropped) this.#leave(command, "dropped");
      for (const message of messages) {
        if (message.type !== "propose") continue;
        for (const command of message.commands) this.#leave(command, "forwarded", message.to);
      }
    }
    if (this.#entries.length > 0) this.#settle();
  }

  /** Everything up to the mark is on this node's disk. */
  onSynced({ index, epoch }: AppendMark): void {
    if (epoch !== this.#raft.epoch) return;
    for (const entry of this.#entries) {
      if (entry.index > index) break;
      if (entry.isSynced) continue;
      entry.isSynced = true;
      this.#tell(entry.command, "synced", entry.index);
    }
  }

  /** Everything up to there has been applied, or is in the snapshot that took its place. */
  onApplied(applied: number): void {
    let count = 0;
    while ((this.#entries[count]?.index ?? Infinity) <= applied) count++;
    for (const { command, index } of this.#entries.splice(0, count)) this.#tell(command, "applied", index);
  }

  #settle(): void {
    const { log, commit, progress } = this.#raft;
    const isLost = ({ index, term, isCommitted }: WatchedEntry): boolean => !isCommitted && log.termAt(index) !== term;
    // The last goes first: a log is cut off from behind.
    while (this.#entries.length > 0 && isLost(this.#entries.at(-1)!)) {
      const { command, index } = this.#entries.pop()!;
      this.#tell(command, "lost", index);
    }
    for (const [member, { match }] of progress) this.#acknowledge(member, match);
    for (const entry of this.#entries) {
      if (entry.index > commit) break;
      if (entry.isCommitted) continue;
      entry.isCommitted = true;
      this.#tell(entry.command, "committed", entry.index);
    }
  }

  #acknowledge(member: NodeId, match: number): void {
    const known = this.#acknowledged.get(member) ?? 0;
    if (match === known) return;
    this.#acknowledged.set(member, match);
    for (const { command, index } of this.#entries) {
      if (index > match) break;
      if (index > known) this.#tell(command, "acknowledged", index, member);
    }
  }

  #leave(command: Uint8Array, stage: "forwarded" | "dropped", member: NodeId = 0): void {
    if (this.#proposed.delete(command)) this.#tell(command, stage, 0, member);
  }

  #tell(command: Uint8Array, stage: ProposalStage, index: number, member: NodeId = 0): void {
    this.#asked(() => this.#observer.onStage(command, stage, index, member));
  }

  #asked<T>(ask: () => T): T | undefined {
    try {
      return ask();
    } catch {
      this.#onThrown();
      return undefined;
    }
  }
}
