import type { AppendMark, Effects } from "./effects.ts";
import type { Raft } from "./raft.ts";

/**
 * How far a command has come: `appended` to the leader's log, `synced` on its disk, `committed` by a majority;
 * `forwarded` to the leader, from where on this node hears nothing of it until it is applied; `dropped` as nobody leads, or
 * too much is uncommitted.
 */
export type ProposalStage = "appended" | "synced" | "committed" | "forwarded" | "dropped";

/** `index` is the entry's; 0 where it is not known. The command is the very object that was proposed. */
export type OnProposal = (command: Uint8Array, stage: ProposalStage, index: number) => void;

interface WatchedEntry {
  readonly command: Uint8Array;
  readonly index: number;
  readonly term: number;
  isSynced: boolean;
}

/** Commands watched at once; what is beyond is proposed all the same. */
const maxWatched = 20_000;

/** Tells of the commands that were proposed at this node, as the core's effects show them. */
export class ProposalWatch {
  readonly #raft: Raft;
  readonly #tell: OnProposal;
  readonly #proposed = new Set<Uint8Array>();
  /** In the leader's log and not yet committed, in order. */
  #entries: WatchedEntry[] = [];

  constructor(raft: Raft, tell: OnProposal) {
    this.#raft = raft;
    this.#tell = tell;
  }

  add(command: Uint8Array): void {
    if (this.#proposed.size + this.#entries.length < maxWatched) this.#proposed.add(command);
  }

  /** Of one step, before they are performed. */
  onEffects({ entries, messages, dropped }: Effects): void {
    if (this.#proposed.size > 0) {
      for (const { data, index, term } of entries) {
        if (!this.#proposed.delete(data)) continue;
        this.#entries.push({ command: data, index, term, isSynced: false });
        this.#tell(data, "appended", index);
      }
      for (const command of dropped) this.#leave(command, "dropped");
      for (const message of messages) {
        if (message.type === "propose") for (const command of message.commands) this.#leave(command, "forwarded");
      }
    }
    this.#settle();
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

  #settle(): void {
    const { log, commit } = this.#raft;
    const [first] = this.#entries;
    if (first === undefined) return;
    // Another leader's entries have taken its place: it may be proposed again.
    if (log.termAt(first.index) !== first.term && first.index > log.baseIndex) {
      this.#entries = this.#entries.filter(({ index, term }) => log.termAt(index) === term);
    }
    let count = 0;
    while ((this.#entries[count]?.index ?? Infinity) <= commit) count++;
    for (const { command, index } of this.#entries.splice(0, count)) this.#tell(command, "committed", index);
  }

  #leave(command: Uint8Array, stage: "forwarded" | "dropped"): void {
    if (this.#proposed.delete(command)) this.#tell(command, stage, 0);
  }
}
