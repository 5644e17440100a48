import type { Entry, PeerMessage } from "../consensus/index.ts";
import type { Random } from "../runtime/index.ts";

/** By how much numbers are wrong, at the most. */
const most = 5;

/**
 * What a Raft node that lies would send instead of `message`: votes it must not give, a log it does not have, terms that
 * have not begun, entries that nobody proposed. Undefined for messages that only carry what was asked of others.
 */
export function falsePeerMessage(message: PeerMessage, random: Random): PeerMessage | undefined {
  const more = random.integer(1, most);
  switch (message.type) {
    case "requestVote":
      return { ...message, lastIndex: message.lastIndex + more, lastTerm: message.lastTerm + more };
    case "voteResult":
      // A vote for everybody: two candidates of one term may both have it.
      return message.granted ? undefined : { ...message, granted: true };
    case "append":
      return random.next() < 0.5
        ? { ...message, commit: message.commit + more }
        : { ...message, entries: message.entries.map((entry) => falseEntry(entry, random)) };
    case "appendAccepted":
      return { ...message, matchIndex: message.matchIndex + more };
    case "appendRejected": {
      // It claims to hold what it has just refused.
      const { type: _, rejectedIndex, hintIndex: __, hintTerm: ___, ...envelope } = message;
      return { ...envelope, type: "appendAccepted", matchIndex: rejectedIndex };
    }
    case "heartbeat":
      return random.next() < 0.5
        ? { ...message, commit: message.commit + more }
        : { ...message, term: message.term + 1 };
    case "heartbeatResult":
      return { ...message, readSequence: message.readSequence + more };
    case "readIndexResult":
      return { ...message, index: Math.max(0, message.index - more) };
    case "snapshotChunkResult":
      return { ...message, offset: message.offset + more };
    default:
      return undefined;
  }
}

/** The same place in the log, with a bit of the command turned. */
function falseEntry(entry: Entry, random: Random): Entry {
  if (entry.data.length === 0) return entry;
  const data = entry.data.slice();
  const at = random.integer(0, data.length - 1);
  data[at] = data[at]! ^ (1 << random.integer(0, 7));
  return { ...entry, data };
}
