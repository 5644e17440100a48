export { listBaseBackups, takeBaseBackup } from "./base-backup.ts";
export type { BaseBackup, BaseBackupOptions } from "./base-backup.ts";
export { dumpDatabase } from "./dump.ts";
export type { DumpInfo, DumpOptions } from "./dump.ts";
export { postgresqlBackup } from "./postgresql-backup.ts";
export type { PostgresqlBackupOptions } from "./postgresql-backup.ts";
export { postgresqlDiscard } from "./postgresql-discard.ts";
export type { PostgresqlDiscardOptions } from "./postgresql-discard.ts";
export { postgresqlPointInTime } from "./postgresql-point-in-time.ts";
export type { PostgresqlPointInTimeOptions } from "./postgresql-point-in-time.ts";
export { postgresqlRestore } from "./postgresql-restore.ts";
export type { PostgresqlRestoreOptions } from "./postgresql-restore.ts";
export type {
  ConnectPostgresql,
  PostgresqlAccess,
  PostgresqlPlace,
  PostgresqlServer,
  PostgresqlSession,
} from "./postgresql-server.ts";
export { findPostgresqlPrograms } from "./programs.ts";
export type { ProgramUser } from "./programs.ts";
export { stopRecoveredServer } from "./recovered-server.ts";
export type { RecoveryTarget } from "./recovery-target.ts";
export { archiveSettings } from "./wal-archive.ts";
