import { randomInt } from "node:crypto";
import { formatIdentity } from "../etcd/request-identity.ts";

/** Names a client's writes, so that the cluster applies each once, however often it is sent. */
export interface WriterSession {
  /** The next write's number; it is in flight until `finish`. */
  begin(): number;
  /** The write's name, which acknowledges all before the oldest still in flight. */
  name(sequence: number): string;
  finish(sequence: number): void;
}

/** `since` is a revision of the store before the session's first write; the client's number is drawn at random. */
export function writerSession(since: number, client: number = randomInt(1, 2 ** 48 - 1)): WriterSession {
  const inFlight = new Set<number>();
  let last = 0;
  return {
    begin() {
      inFlight.add(++last);
      return last;
    },
    name(sequence) {
      // Numbers are added in order, so the first of the set is the oldest.
      const [oldest = last + 1] = inFlight;
      return formatIdentity({ client, sequence, acknowledged: oldest - 1, since });
    },
    finish: (sequence) => void inFlight.delete(sequence),
  };
}
