import type { Answer, MemberInfo, RequestOptions } from "../coordination.ts";
import type { StateBackup } from "../key-value/state-backup.ts";

export interface MemberAddRequest {
  /** Where the others reach it: `http://host:port`, at least one. Kept in ascending order; the first is dialled. */
  readonly peerUrls: readonly string[];
  /** By which it may find itself when it joins; default none, as it tells its name when it runs. */
  readonly name?: string;
  /** It gets everything and decides nothing until it is promoted. Default false. */
  readonly isLearner?: boolean;
  /** It votes and holds no state, for good: a third machine that breaks ties. Default false. */
  readonly isWitness?: boolean;
}

/** Who takes part, by id, as somebody has seen it. */
export interface MembersSeen {
  readonly voters: readonly bigint[];
  readonly learners: readonly bigint[];
}

/** Of a change that is made for one state of the cluster, and for no other. */
export interface ChangeOptions extends RequestOptions {
  /**
   * Only as long as these are the members, which the leader looks at when it carries the change out; and only if the
   * voters that it hears then are a majority of those there will be. In place of etcd's rules, by which nobody is added
   * while a voter is away.
   */
  readonly ifMembers?: MembersSeen;
}

export interface MemberAddResponse {
  readonly member: MemberInfo;
  readonly members: readonly MemberInfo[];
}

export interface MembersResponse {
  /** By ascending id. */
  readonly members: readonly MemberInfo[];
}

/**
 * Who takes part in the cluster, with etcd's rules (3.4); any member answers, the leader carries it out.
 *
 * All reject with CoordinationError: TIMED_OUT when the outcome is unknown, NOT_SUPPORTED where there is one member
 * alone, and with users enabled what keeps others than root out.
 */
export interface ClusterAdministration {
  /** With `linearizable`, nobody knows of a later change. Default false: as this member knows. */
  memberList(options?: RequestOptions & { readonly linearizable?: boolean }): Promise<Answer<MembersResponse>>;
  /**
   * Gives a new member an id that was never used before. It counts from then on, before it runs: what it needs to know
   * to join, the others tell.
   *
   * @throws CoordinationError PEER_URL_EXISTS, TOO_MANY_LEARNERS, UNHEALTHY_CLUSTER, NOT_ENOUGH_STARTED, BAD_MEMBER_URLS,
   * MEMBERS_CHANGED with `ifMembers`
   */
  memberAdd(request: MemberAddRequest, options?: ChangeOptions): Promise<Answer<MemberAddResponse>>;
  /** For good: it cannot come back under its id. @throws CoordinationError MEMBER_NOT_FOUND, UNHEALTHY_CLUSTER, NOT_ENOUGH_STARTED, MEMBERS_CHANGED */
  memberRemove(id: bigint, options?: ChangeOptions): Promise<Answer<MembersResponse>>;
  /** @throws CoordinationError MEMBER_NOT_FOUND, PEER_URL_EXISTS, BAD_MEMBER_URLS */
  memberUpdate(id: bigint, peerUrls: readonly string[], options?: RequestOptions): Promise<Answer<MembersResponse>>;
  /** A learner votes from now on. @throws CoordinationError MEMBER_NOT_FOUND, MEMBER_NOT_LEARNER, LEARNER_NOT_READY, MEMBERS_CHANGED */
  memberPromote(id: bigint, options?: ChangeOptions): Promise<Answer<MembersResponse>>;
  /** Resolves when that voter leads. @throws CoordinationError BAD_LEADER_TRANSFEREE, TRANSFER_FAILED */
  moveLeader(id: bigint, options?: RequestOptions): Promise<Answer<object>>;
}

export type AlarmType = "NOSPACE" | "CORRUPT";

/** Something is wrong at a member, and the whole cluster acts upon it until somebody clears the alarm. */
export interface Alarm {
  readonly member: bigint;
  readonly type: AlarmType;
}

export interface AlarmsResponse {
  readonly alarms: readonly Alarm[];
}

export interface HashResponse {
  readonly hash: number;
}

export interface HashKvResponse extends HashResponse {
  /** History below this is gone, and not in the hash; -1 before the first compaction. */
  readonly compactedRevision: number;
}

/** Care for a member and its state. Rejects as ClusterAdministration does. */
export interface MaintenanceAdministration {
  /** Those that are raised, by member and type. */
  alarms(options?: RequestOptions): Promise<Answer<AlarmsResponse>>;
  raiseAlarm(alarm: Alarm, options?: RequestOptions): Promise<Answer<AlarmsResponse>>;
  /** Answers with what was cleared. */
  clearAlarm(alarm: Alarm, options?: RequestOptions): Promise<Answer<AlarmsResponse>>;
  /** Of everything this member has applied: equal on members that applied the same. */
  hash(options?: RequestOptions): Promise<Answer<HashResponse>>;
  /**
   * Of the keys and all their versions up to a revision, 0 for the latest: equal on all members that compacted alike.
   *
   * @throws CoordinationError FUTURE_REVISION, COMPACTED
   */
  hashKv(revision?: number, options?: RequestOptions): Promise<Answer<HashKvResponse>>;
  /** The state as of now, as this member has applied it. */
  backup(options?: RequestOptions): Promise<StateBackup>;
}
