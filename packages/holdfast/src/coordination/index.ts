export { actingAs } from "./acting-as.ts";
export type { AuthAdministration } from "./auth-administration.ts";
export type { AuthState } from "./auth-store.ts";
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
} from "./auth.ts";
export type {
  Alarm,
  AlarmsResponse,
  AlarmType,
  ClusterAdministration,
  HashKvResponse,
  HashResponse,
  MaintenanceAdministration,
  MemberAddRequest,
  MemberAddResponse,
  MembersResponse,
} from "./cluster.ts";
export type { ClusterChange, ClusterChangeResponse, ClusterRequest } from "./cluster-change.ts";
export type { ClusterState } from "./cluster-state.ts";
export { decodeCommand, encodeCommand } from "./command-codec.ts";
export type { Applied, Command, CommandOperation, OperationAnswer, Outcome, Refused } from "./command.ts";
export type {
  Answer,
  Coordination,
  Member,
  MemberInfo,
  MemberRole,
  MemberStatus,
  RequestIdentity,
  RequestOptions,
  ResponseHeader,
} from "./coordination.ts";
export { CoordinationError, coordinationErrors } from "./coordination-error.ts";
export type { CoordinationErrorCode } from "./coordination-error.ts";
export { counter } from "./counter.ts";
export type { Counter } from "./counter.ts";
export { election } from "./election.ts";
export type { Election, Leader, Leadership } from "./election.ts";
export { createGuard, fencedTxn } from "./fencing.ts";
export type { Fence, Guard } from "./fencing.ts";
export { createKeyValueStateMachine } from "./key-value-state-machine.ts";
export type { KeyValueStateMachine, KeyValueStateMachineOptions } from "./key-value-state-machine.ts";
export { KeyValueStore } from "./key-value-store.ts";
export type { KeyValueStoreOptions, LeaseKeys } from "./key-value-store.ts";
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
} from "./key-value.ts";
export { frontOf, observeFront } from "./leader-watch.ts";
export type { Front, ObserveOptions } from "./leader-watch.ts";
export { defaultLeaseOptions } from "./lease-options.ts";
export type { LeaseOptions } from "./lease-options.ts";
export type { LeaseReader } from "./lease-table.ts";
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
} from "./lease.ts";
export { lock } from "./lock.ts";
export type { AcquireOptions, HeldLock, Lock, RepeatOptions } from "./lock.ts";
export { createMember } from "./member.ts";
export type { MemberOptions } from "./member.ts";
export { maxMembers } from "./member-identity.ts";
export type { InitialCluster, InitialMember } from "./member-identity.ts";
export { foundingCluster } from "./member-place.ts";
export type { JoinedCluster, JoinedMember } from "./member-place.ts";
export { createMemoryMember } from "./memory-member.ts";
export type { MemoryMemberOptions } from "./memory-member.ts";
export { RecipeError } from "./recipe-error.ts";
export type { RecipeErrorCode } from "./recipe-error.ts";
export { remoteCoordination } from "./remote-coordination.ts";
export type { RemoteCoordination } from "./remote-coordination.ts";
export { RemoteError } from "./remote-error.ts";
export { defaultRemoteOptions } from "./remote-options.ts";
export type { RemoteCredentials, RemoteOptions } from "./remote-options.ts";
export { remotePreface } from "./remote-protocol.ts";
export { defaultRemoteServiceLimits, serveCoordination } from "./remote-service.ts";
export type { RemoteRequestEvent, RemoteService, RemoteServiceLimits, RemoteServiceOptions } from "./remote-service.ts";
export type { ReplicatedMember } from "./replicated-member.ts";
export { defaultRegistryOptions, serviceRegistry } from "./service-registry.ts";
export type {
  RegisteredInstance,
  Registration,
  RegistryOptions,
  ServiceInstance,
  ServiceRegistry,
} from "./service-registry.ts";
export { defaultSessionOptions, hexOf, openSession } from "./session.ts";
export type { Session, SessionOptions } from "./session.ts";
export { restoreMember } from "./restore-member.ts";
export type { RestoreOptions } from "./restore-member.ts";
export type { BackupContents, StateBackup, StoredLease, StoredVersion } from "./state-backup.ts";
export { defaultSessionLimits } from "./session-table.ts";
export type { SessionLimits } from "./session-table.ts";
export { sharedConfig } from "./shared-config.ts";
export type { ConfigEntry, ConfigUpdate, SharedConfig, SharedConfigOptions } from "./shared-config.ts";
export { isReadOnlyTxn } from "./txn-execution.ts";
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
} from "./validate-request.ts";
export { joinKey, takeTurn, untilLeft } from "./waiting-line.ts";
export type { Line, Place } from "./waiting-line.ts";
export { defaultWatchLimits } from "./watch-limits.ts";
export type { WatchLimits } from "./watch-limits.ts";
export type { ChangeObserver, Watchable } from "./watch-hub.ts";
export type { WatchCancelReason, Watcher, WatchEvent, WatchOptions, WatchRequest, WatchResponse } from "./watch.ts";
