/** How a leader sends to one follower: one probe at a time, a stream ahead of the answers, or a snapshot first. */
export type ProgressMode = "probe" | "replicate" | "snapshot";

/** What a leader knows of one follower. */
export interface Progress {
  mode: ProgressMode;
  /** The follower's log equals ours up to here, durably. */
  match: number;
  /** The next index to send. */
  next: number;
  /** Probe mode: one message is out and unanswered. */
  probing: boolean;
  /** Replicate mode: the last index of each append that is out, ascending. */
  inFlight: number[];
  /** How many bytes of commands each of them holds, and all together. */
  inFlightBytes: number[];
  bytesInFlight: number;
  /** The commit index last told. */
  sentCommit: number;
  /** When the follower was last heard, by the core's clock. */
  heardAt: number;
  /** The last read round this follower confirmed. */
  readSequence: number;
  /** Until when, by our clock, this follower elects nobody else. */
  leaseUntil: number;
}

export function createProgress(next: number, heardAt: number): Progress {
  return {
    mode: "probe",
    match: 0,
    next,
    probing: false,
    inFlight: [],
    inFlightBytes: [],
    bytesInFlight: 0,
    sentCommit: 0,
    heardAt,
    readSequence: 0,
    leaseUntil: 0,
  };
}

export function becomeProbe(progress: Progress): void {
  progress.mode = "probe";
  progress.next = progress.match + 1;
  progress.probing = false;
  emptyWindow(progress);
}

export function becomeReplicate(progress: Progress): void {
  progress.mode = "replicate";
  progress.next = progress.match + 1;
  progress.probing = false;
  emptyWindow(progress);
}

export function becomeSnapshot(progress: Progress): void {
  progress.mode = "snapshot";
  progress.probing = false;
  emptyWindow(progress);
}

function emptyWindow(progress: Progress): void {
  progress.inFlight = [];
  progress.inFlightBytes = [];
  progress.bytesInFlight = 0;
}

/** Replicate mode: one more append is out. */
export function noteSent(progress: Progress, last: number, bytes: number): void {
  progress.next = last + 1;
  progress.inFlight.push(last);
  progress.inFlightBytes.push(bytes);
  progress.bytesInFlight += bytes;
}

/** Takes in that the follower holds everything up to `index`; false when that is no news. */
export function acknowledge(progress: Progress, index: number): boolean {
  const { inFlight, inFlightBytes } = progress;
  let done = 0;
  while (done < inFlight.length && inFlight[done]! <= index) done++;
  if (done > 0) {
    inFlight.splice(0, done);
    for (const bytes of inFlightBytes.splice(0, done)) progress.bytesInFlight -= bytes;
  }
  progress.probing = false;
  if (index <= progress.match) return false;
  progress.match = index;
  if (progress.next <= index) progress.next = index + 1;
  return true;
}

/**
 * Takes in that the follower refused what follows `rejectedIndex`; false for an answer that an earlier message caused.
 * `candidate` is the last position at which both logs may agree.
 *
 * What a follower has acknowledged it cannot miss: such an answer is old, or its disk was lost, and then asking again at
 * once would only make both busy. The next heartbeat's answer lets another probe out.
 */
export function reject(progress: Progress, rejectedIndex: number, candidate: number): boolean {
  if (rejectedIndex <= progress.match) return false;
  if (progress.mode !== "replicate" && progress.next - 1 !== rejectedIndex) return false;
  const next = Math.max(Math.min(rejectedIndex, candidate + 1), progress.match + 1);
  becomeProbe(progress);
  progress.next = next;
  return true;
}
