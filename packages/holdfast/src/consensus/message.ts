import type { Entry, NodeId, SnapshotMeta } from "./entry.ts";

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; a pre-vote carries the term it would campaign in. */
  readonly term: number;
}

/** RequestVote (Raft, figure 2); with `preVote` it only asks (Raft dissertation, section 9.6). */
export interface RequestVote extends Envelope {
  readonly type: "requestVote";
  readonly preVote: boolean;
  /** The leader itself asked for this election: voters answer although they hear it. */
  readonly leadershipTransfer: boolean;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

export interface VoteResult extends Envelope {
  readonly type: "voteResult";
  readonly preVote: boolean;
  readonly granted: boolean;
}

/** AppendEntries. */
export interface Append extends Envelope {
  readonly type: "append";
  readonly previousIndex: number;
  readonly previousTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
}

/** The log now matches the leader's up to `matchIndex`. */
export interface AppendAccepted extends Envelope {
  readonly type: "appendAccepted";
  readonly matchIndex: number;
}

/**
 * The entry before the appended ones is missing or of another term. The hint is the last position at which the
 * follower's log can still match: an index, and the term there (fast back-up, Raft section 5.3, end).
 */
export interface AppendRejected extends Envelope {
  readonly type: "appendRejected";
  readonly rejectedIndex: number;
  readonly hintIndex: number;
  readonly hintTerm: number;
}

/** Keeps followers quiet and the commit index moving; also asks, by `readSequence`, who still follows. */
export interface Heartbeat extends Envelope {
  readonly type: "heartbeat";
  readonly commit: number;
  readonly readSequence: number;
  /** The leader's clock as it asked, in whole milliseconds; the answer gives it back. */
  readonly sentAt: number;
}

export interface HeartbeatResult extends Envelope {
  readonly type: "heartbeatResult";
  readonly readSequence: number;
  readonly sentAt: number;
  /** For how long, by its own clock, the follower will elect nobody else; 0 when it promises nothing. */
  readonly holdMs: number;
}

/** Tells a follower that has the whole log to stand for election at once (Raft dissertation, section 3.10). */
export interface TimeoutNow extends Envelope {
  readonly type: "timeoutNow";
}

/** A snapshot has arrived whole at the receiver's node; its bytes travel outside the core. */
export interface SnapshotArrived extends Envelope {
  readonly type: "snapshot";
  readonly snapshot: SnapshotMeta;
}

/** Commands on their way to the leader. */
export interface Propose extends Envelope {
  readonly type: "propose";
  readonly commands: readonly Uint8Array[];
  /** What goes along with some of them, for whoever follows them; the core looks at the commands alone. */
  readonly notes?: readonly ProposalNote[];
}

export interface ProposalNote {
  /** Which of the commands; ascending. */
  readonly at: number;
  readonly text: string;
}

/** Characters of a note; a longer one stays where it is. */
export const maxNoteLength = 1_024;

/** Asks the leader from which index on a read is linearizable (Raft dissertation, section 6.4). */
export interface ReadIndex extends Envelope {
  readonly type: "readIndex";
  readonly id: number;
}

export interface ReadIndexResult extends Envelope {
  readonly type: "readIndexResult";
  readonly id: number;
  readonly index: number;
}

/** What one core says to another. */
export type Message =
  | RequestVote
  | VoteResult
  | Append
  | AppendAccepted
  | AppendRejected
  | Heartbeat
  | HeartbeatResult
  | SnapshotArrived
  | Propose
  | ReadIndex
  | ReadIndexResult
  | TimeoutNow;
