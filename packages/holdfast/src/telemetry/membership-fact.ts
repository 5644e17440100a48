/** Another member, as the one that noticed knew it at that moment. */
interface MemberFact {
  readonly member: string;
  /** Where it listens for gossip. */
  readonly host: string;
  readonly port: number;
  readonly incarnation: number;
}

/** A member not known before, or one that had left. */
export interface MemberJoined extends MemberFact {
  readonly type: "memberJoined";
}

/** A member that was thought dead lives. */
export interface MemberReturned extends MemberFact {
  readonly type: "memberReturned";
}

/** A member did not answer, says `from`; it now has some time to object. */
export interface MemberSuspect extends MemberFact {
  readonly type: "memberSuspect";
  readonly from: string;
  /** Since the node that tells heard it itself. */
  readonly lastHeardMs: number;
}

/** A suspect showed that it lives. */
export interface MemberCleared extends MemberFact {
  readonly type: "memberCleared";
}

/** A suspect did not object in time, says `from`: it counts as dead. */
export interface MemberFailed extends MemberFact {
  readonly type: "memberFailed";
  readonly from: string;
  /** Since the node that tells heard it itself. */
  readonly lastHeardMs: number;
}

/** A member said farewell. */
export interface MemberLeft extends MemberFact {
  readonly type: "memberLeft";
}

/** A member's address changed, or what it tells of itself. */
export interface MemberUpdated extends MemberFact {
  readonly type: "memberUpdated";
}

/** A member that is dead or has left was dropped from the list. */
export interface MemberForgotten extends MemberFact {
  readonly type: "memberForgotten";
}

/** Two processes use one name; the one known keeps it. */
export interface NameConflict {
  readonly type: "nameConflict";
  readonly member: string;
  /** `HOST:PORT` of the one known. */
  readonly known: string;
  /** `HOST:PORT` of the other. */
  readonly other: string;
}

/** This node was accused, and has overruled it. */
export interface SelfRefuted {
  readonly type: "selfRefuted";
  readonly incarnation: number;
}

/** This node's process was held up. */
export interface SelfStalled {
  readonly type: "selfStalled";
  readonly lagMs: number;
}

export type MembershipFact =
  | MemberJoined
  | MemberReturned
  | MemberSuspect
  | MemberCleared
  | MemberFailed
  | MemberLeft
  | MemberUpdated
  | MemberForgotten
  | NameConflict
  | SelfRefuted
  | SelfStalled;
