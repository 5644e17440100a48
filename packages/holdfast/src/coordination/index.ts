export { actingAs } from "./auth/acting-as.ts";
export type { AuthAdministration } from "./auth/auth-administration.ts";
export type { AuthState } from "./auth/auth-store.ts";
export type {
  AuthChangeResponse,
  AuthenticateRequest,
  AuthenticateResponse,
  AuthRequest,
  AuthStatus,
  Credentials,
  Permission,
  PermissionType,
  RoleInfo,
  UserInfo,
} from "./auth/auth.ts";
export type {
  Alarm,
  AlarmsResponse,
  AlarmType,
  ChangeOptions,
  ClusterAdministration,
  HashKvResponse,
  HashResponse,
  MaintenanceAdministration,
  MemberAddRequest,
  MemberAddResponse,
  MembersResponse,
  MembersSeen,
} from "./cluster/cluster.ts";
export type { AutoCompactionOptions } from "./compaction/auto-compaction-options.ts";
export type { ClusterChange, ClusterChangeResponse, ClusterRequest } from "./cluster/cluster-change.ts";
export type { ClusterState } from "./cluster/cluster-state.ts";
export { decodeCommand, encodeCommand } from "./key-value/command-codec.ts";
export type { Applied, Command, CommandOperation, OperationAnswer, Outcome, Refused } from "./key-value/command.ts";
export type {
  Answer,
  Coordination,
  Member,
  MemberContact,
  MemberInfo,
  MemberRole,
  MemberStatus,
  RequestIdentity,
  RequestOptions,
  ResponseHeader,
} from "./coordination.ts";
export { CoordinationError, coordinationErrors } from "./coordination-error.ts";
export type { CoordinationErrorCode } from "./coordination-error.ts";
export { counter } from "./recipes/counter.ts";
export type { Counter } from "./recipes/counter.ts";
export { election } from "./recipes/election.ts";
export type { Election, Leader, Leadership } from "./recipes/election.ts";
export { followRange } from "./recipes/follow-range.ts";
export type { FollowOptions, RangeStep } from "./recipes/follow-range.ts";
export { createGuard, fencedTxn } from "./recipes/fencing.ts";
export type { Fence, Guard } from "./recipes/fencing.ts";
export { createKeyValueStateMachine } from "./key-value/key-value-state-machine.ts";
export type { KeyValueStateMachine, KeyValueStateMachineOptions } from "./key-value/key-value-state-machine.ts";
export { KeyValueStore } from "./key-value/key-value-store.ts";
export type { KeyValueStoreOptions, LeaseKeys } from "./key-value/key-value-store.ts";
export type {
  CompactRequest,
  CompactResponse,
  Compare,
  CompareResult,
  DeleteRangeRequest,
  DeleteRangeResponse,
  KeyValue,
  LeaseId,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  RequestOp,
  ResponseOp,
  SortOrder,
  SortTarget,
  TxnRequest,
  TxnResponse,
} from "./key-value/key-value.ts";
export { frontOf, observeFront } from "./leases/leader-watch.ts";
export type { Front, ObserveOptions } from "./leases/leader-watch.ts";
export { defaultLeaseOptions } from "./leases/lease-options.ts";
export type { LeaseOptions } from "./leases/lease-options.ts";
export type { LeaseReader } from "./leases/lease-table.ts";
export type {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeasesResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from "./leases/lease.ts";
export { lock } from "./recipes/lock.ts";
export type { AcquireOptions, HeldLock, Lock, RepeatOptions } from "./recipes/lock.ts";
export { createMember } from "./member.ts";
export type { MemberOptions } from "./member.ts";
export { maxMembers } from "./member-identity.ts";
export type { InitialCluster, InitialMember } from "./member-identity.ts";
export { foundingCluster } from "./member-place.ts";
export type { JoinedCluster, JoinedMember } from "./member-place.ts";
export { createMemoryMember } from "./memory-member.ts";
export type { MemoryMemberOptions } from "./memory-member.ts";
export { RecipeError } from "./recipes/recipe-error.ts";
export type { RecipeErrorCode } from "./recipes/recipe-error.ts";
export { remoteCoordination } from "./remote/remote-coordination.ts";
export type { RemoteCoordination } from "./remote/remote-coordination.ts";
export { RemoteError } from "./remote/remote-error.ts";
export { defaultRemoteOptions } from "./remote/remote-options.ts";
export type { RemoteCredentials, RemoteOptions } from "./remote/remote-options.ts";
export { remotePreface } from "./remote/remote-protocol.ts";
export { defaultRemoteServiceLimits, serveCoordination } from "./remote/remote-service.ts";
export type {
  RemoteRequestEvent,
  RemoteService,
  RemoteServiceLimits,
  RemoteServiceOptions,
} from "./remote/remote-service.ts";
export type { Compacted, ReplicatedMember } from "./replicated-member.ts";
export { defaultRegistryOptions, serviceRegistry } from "./recipes/service-registry.ts";
export type {
  RegisteredInstance,
  Registration,
  RegistryOptions,
  ServiceInstance,
  ServiceRegistry,
} from "./recipes/service-registry.ts";
export { defaultSessionOptions, hexOf, openSession } from "./recipes/session.ts";
export type { Session, SessionOptions } from "./recipes/session.ts";
export { restoreMember } from "./restore-member.ts";
export type { RestoreOptions } from "./restore-member.ts";
export type { BackupContents, StateBackup, StoredLease, StoredVersion } from "./key-value/state-backup.ts";
export { defaultSessionLimits } from "./key-value/session-table.ts";
export type { SessionLimits } from "./key-value/session-table.ts";
export { sharedConfig } from "./recipes/shared-config.ts";
export type { ConfigEntry, ConfigUpdate, SharedConfig, SharedConfigOptions } from "./recipes/shared-config.ts";
export { isReadOnlyTxn } from "./key-value/txn-execution.ts";
export {
  defaultMaxTxnOps,
  validateCompact,
  validateDeleteRange,
  validateIdentity,
  validateLeaseGrant,
  validateLeaseId,
  validatePut,
  validateRange,
  validateTxn,
} from "./key-value/validate-request.ts";
export { untilAnswered } from "./recipes/until-answered.ts";
export type { Persistence } from "./recipes/until-answered.ts";
export { joinKey, takeTurn, untilLeft } from "./recipes/waiting-line.ts";
export type { Line, Place } from "./recipes/waiting-line.ts";
export { defaultWatchLimits } from "./watches/watch-limits.ts";
export type { WatchLimits } from "./watches/watch-limits.ts";
export type { ChangeObserver, Watchable } from "./watches/watch-hub.ts";
export type {
  WatchCancelReason,
  Watcher,
  WatchEvent,
  WatchOptions,
  WatchRequest,
  WatchResponse,
} from "./watches/watch.ts";
