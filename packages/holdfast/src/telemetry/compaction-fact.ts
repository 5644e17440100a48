/** The history of keys was compacted at this node, by itself or because somebody asked for it. */
export interface HistoryCompacted {
  readonly type: "historyCompacted";
  /** What was before this revision can no longer be read. */
  readonly compactedRevision: number;
  /** The current one. */
  readonly revision: number;
}

export type CompactionFact = HistoryCompacted;
