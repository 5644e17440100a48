import type { CoordinationErrorCode } from "../coordination-error.ts";
import type { Alarm, MembersSeen } from "./cluster.ts";

/** What a member wants of the leader. It comes to the leader through the log, so that it survives any of them. */
export type ClusterRequest =
  | {
      readonly type: "memberAdd";
      readonly id: bigint;
      readonly name: string;
      readonly peerUrls: readonly string[];
      readonly isLearner: boolean;
      readonly isWitness?: boolean;
      readonly ifMembers?: MembersSeen;
    }
  | { readonly type: "memberUpdate"; readonly id: bigint; readonly peerUrls: readonly string[] }
  | { readonly type: "memberRemove" | "memberPromote"; readonly id: bigint; readonly ifMembers?: MembersSeen }
  | { readonly type: "moveLeader"; readonly id: bigint };

/** One change of what the replicated state knows of the cluster. */
export type ClusterChange =
  /** A member asks, under a number drawn at random. */
  | { readonly type: "ask"; readonly number: number; readonly request: ClusterRequest }
  /** The leader has carried it out, or refuses to. The first answer counts. */
  | { readonly type: "answer"; readonly number: number; readonly refused?: CoordinationErrorCode }
  /** These have left for good. */
  | { readonly type: "removed"; readonly ids: readonly bigint[] }
  | { readonly type: "raiseAlarm" | "clearAlarm"; readonly alarm: Alarm };

/** What applying it gives: the question it answers, if any. */
export interface ClusterChangeResponse {
  readonly answers?: { readonly number: number; readonly refused: CoordinationErrorCode | undefined };
}
