import { HoldfastError, type ErrorKind } from "../errors/base.ts";

/** Every way a request to a Raft node can be refused. */
export type ConsensusErrorCode =
  | "NOT_LEADER"
  | "NO_SUCH_VOTER"
  | "MEMBER_UNREACHABLE"
  | "TRANSFER_UNDER_WAY"
  | "TRANSFER_ABORTED"
  | "LEADERSHIP_LOST"
  | "CHANGE_PENDING"
  | "TERM_NOT_COMMITTED"
  | "CHANGE_UNCERTAIN"
  | "JOINT"
  | "NOT_JOINT"
  | "UNKNOWN_MEMBER"
  | "MEMBER_EXISTS"
  | "NOT_LEARNER"
  | "NOT_VOTER"
  | "NO_VOTERS"
  | "TOO_MANY_WITNESSES"
  | "TOO_MANY_CHANGES"
  | "NO_CHANGE"
  | "STOPPED";

/** Kind, whether the same request may succeed later, and the message. */
const consensusErrors: Readonly<Record<ConsensusErrorCode, readonly [ErrorKind, boolean, string]>> = {
  NOT_LEADER: ["consistency", true, "this member does not lead"],
  NO_SUCH_VOTER: ["business", false, "no voter of the cluster has this id"],
  MEMBER_UNREACHABLE: ["network", true, "no voter that could take over was heard lately"],
  TRANSFER_UNDER_WAY: ["consistency", true, "leadership is being handed over already"],
  TRANSFER_ABORTED: ["timeout", true, "the other member did not take over in time; this one goes on leading"],
  LEADERSHIP_LOST: ["consistency", true, "this member lost its leadership, and not to the one asked for"],
  CHANGE_PENDING: ["consistency", true, "an earlier change of the members is not finished"],
  TERM_NOT_COMMITTED: ["consistency", true, "the leader has not committed an entry of its term yet"],
  CHANGE_UNCERTAIN: [
    "consistency",
    true,
    "leadership was lost before the change was committed: it may still come to be",
  ],
  JOINT: ["consistency", true, "the members are changing already"],
  NOT_JOINT: ["business", false, "there is no joint change to leave"],
  UNKNOWN_MEMBER: ["business", false, "no member has this id"],
  MEMBER_EXISTS: ["business", false, "a member has this id already"],
  NOT_LEARNER: ["business", false, "only a learner can be promoted"],
  NOT_VOTER: ["business", false, "only a voter that holds state can be demoted"],
  NO_VOTERS: ["business", false, "nobody would be left who votes"],
  TOO_MANY_WITNESSES: ["business", false, "witnesses must not be a majority of the voters"],
  TOO_MANY_CHANGES: ["business", false, "more than one voter would change, which takes a joint change"],
  NO_CHANGE: ["business", false, "this changes nothing"],
  STOPPED: ["system", true, "the node has stopped"],
};

/** A Raft node refused a request, or could not carry it out. */
export class ConsensusError extends HoldfastError {
  static override readonly brand: string = "ConsensusError";

  declare readonly code: ConsensusErrorCode;

  constructor(code: ConsensusErrorCode) {
    const [kind, retryable, message] = consensusErrors[code];
    super(message, { name: "ConsensusError", code, kind, retryable });
  }
}
