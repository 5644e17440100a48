import type { PeerHandler, PeerMessage, PeerTransport } from "holdfast/consensus";
import type { Clock, Random } from "holdfast/runtime";

export interface ScrambleOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly duplicate: number;
  readonly late: number;
  readonly lateMs: number;
  /** Whether faults are still wanted. */
  readonly active: () => boolean;
  readonly count: (kind: "message-duplicated" | "message-late") => void;
}

/** A transport on which single messages arrive twice, or late, behind those that were sent after them. */
export function scrambledTransport(inner: PeerTransport, options: ScrambleOptions): PeerTransport {
  const { clock, random, duplicate, late, lateMs, active, count } = options;
  return {
    start: (handler: PeerHandler) => inner.start(handler),
    send(message: PeerMessage): void {
      if (active() && random.next() < duplicate) {
        count("message-duplicated");
        clock.setTimer(random.next() * lateMs, () => inner.send(message));
      }
      if (active() && random.next() < late) {
        count("message-late");
        clock.setTimer(random.next() * lateMs, () => inner.send(message));
      } else {
        inner.send(message);
      }
    },
    close: () => inner.close(),
  };
}
