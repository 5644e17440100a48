import type { Classifier } from "../classifier.ts";
import type { ErrorShape } from "../error-shape.ts";

/** SQLite's primary result codes, as `node:sqlite` (`errcode`) and better-sqlite3 (`code`) give them. */
const names: Readonly<Record<number, string>> = {
  1: "SQLITE_ERROR",
  3: "SQLITE_PERM",
  4: "SQLITE_ABORT",
  5: "SQLITE_BUSY",
  6: "SQLITE_LOCKED",
  7: "SQLITE_NOMEM",
  8: "SQLITE_READONLY",
  10: "SQLITE_IOERR",
  11: "SQLITE_CORRUPT",
  13: "SQLITE_FULL",
  14: "SQLITE_CANTOPEN",
  17: "SQLITE_SCHEMA",
  18: "SQLITE_TOOBIG",
  19: "SQLITE_CONSTRAINT",
  20: "SQLITE_MISMATCH",
  23: "SQLITE_AUTH",
  25: "SQLITE_RANGE",
  26: "SQLITE_NOTADB",
};

export const sqliteClassifier: Classifier = {
  system: "sqlite",
  rules: {
    SQLITE_ERROR: "INVALID_REQUEST",
    SQLITE_PERM: "ACCESS_DENIED",
    SQLITE_ABORT: "TRANSACTION_ABORTED",
    SQLITE_BUSY: "LOCKED",
    SQLITE_LOCKED: "LOCKED",
    SQLITE_NOMEM: "OUT_OF_MEMORY",
    SQLITE_READONLY: "ACCESS_DENIED",
    SQLITE_IOERR: "DISK_FAILED",
    SQLITE_CORRUPT: "DATA_CORRUPTED",
    SQLITE_FULL: "DISK_FULL",
    SQLITE_CANTOPEN: "ACCESS_DENIED",
    SQLITE_SCHEMA: "TRANSACTION_ABORTED",
    SQLITE_TOOBIG: "PAYLOAD_TOO_LARGE",
    SQLITE_CONSTRAINT: "CONSTRAINT_VIOLATED",
    SQLITE_MISMATCH: "INVALID_REQUEST",
    SQLITE_AUTH: "FORBIDDEN",
    SQLITE_RANGE: "INVALID_REQUEST",
    SQLITE_NOTADB: "DATA_CORRUPTED",
    "SQLITE_CONSTRAINT unique": "ALREADY_EXISTS",
  },
  keys(error: ErrorShape): readonly string[] {
    const name = nameOf(error);
    if (name === undefined) return [];
    const isUnique = name === "SQLITE_CONSTRAINT" && error.message.startsWith("UNIQUE");
    return isUnique ? ["SQLITE_CONSTRAINT unique", name] : [name];
  },
};

function nameOf(error: ErrorShape): string | undefined {
  const code = error.text("code");
  // The extended code has the primary one in its lowest byte.
  if (code === "ERR_SQLITE_ERROR") return names[(error.number("errcode") ?? 0) & 0xff];
  return code === undefined ? undefined : /^(SQLITE_[A-Z]+)/.exec(code)?.[1];
}
