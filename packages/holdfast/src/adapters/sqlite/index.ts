export { backupSqlite } from "./sqlite-backup.ts";
export type { SqliteBackup } from "./sqlite-backup.ts";
export { sqliteDiscard, sqliteRestore } from "./sqlite-restore.ts";
export type { SqliteRestoreOptions } from "./sqlite-restore.ts";
