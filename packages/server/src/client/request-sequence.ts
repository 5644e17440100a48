import { randomInt } from "node:crypto";
import { formatIdentity } from "../etcd/request-identity.ts";

/** Names a client's writes so that the cluster applies each once, however often it is sent. */
export interface RequestSequence {
  /** The next request's name; it is in flight until `finish`. */
  begin(): number;
  /** The `holdfast-request` header's value: `client/sequence/acknowledged`. */
  header(sequence: number): string;
  finish(sequence: number): void;
}

/** One client's names: drawn once at random, then counted. */
export function requestSequence(client: number = randomInt(1, 2 ** 48 - 1)): RequestSequence {
  const inFlight = new Set<number>();
  let last = 0;
  return {
    begin() {
      inFlight.add(++last);
      return last;
    },
    header(sequence) {
      // Sequences are added in order, so the first of the set is the oldest still in flight.
      const [oldest = last + 1] = inFlight;
      return formatIdentity({ client, sequence, acknowledged: oldest - 1 });
    },
    finish: (sequence) => void inFlight.delete(sequence),
  };
}
