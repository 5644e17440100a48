import type { Classifier } from "../classifier.ts";
import type { ErrorShape } from "../error-shape.ts";

/** SQLSTATE (PostgreSQL manual, appendix A): the code, then its class; and what the `pg` client says itself. */
export const postgresqlClassifier: Classifier = {
  system: "postgresql",
  rules: {
    "08*": "CONNECTION_LOST",
    "08P01": "PROTOCOL_BROKEN",
    "0A*": "UNSUPPORTED",
    "22*": "INVALID_REQUEST",
    "23*": "CONSTRAINT_VIOLATED",
    "23505": "ALREADY_EXISTS",
    "25006": "WRONG_NODE",
    "25P02": "CONFLICT",
    "25P03": "CONNECTION_LOST",
    "28*": "UNAUTHENTICATED",
    "3D000": "NOT_FOUND",
    "40001": "TRANSACTION_ABORTED",
    "40P01": "TRANSACTION_ABORTED",
    "40003": ["CONNECTION_LOST", "unknown"],
    "42*": "INVALID_REQUEST",
    "42501": "FORBIDDEN",
    "42704": "NOT_FOUND",
    "42883": "NOT_FOUND",
    "42P01": "NOT_FOUND",
    "42P07": "ALREADY_EXISTS",
    "53*": "SERVICE_UNAVAILABLE",
    "53100": "DISK_FULL",
    "53200": "OUT_OF_MEMORY",
    "53300": "TOO_MANY_CONNECTIONS",
    "54*": "PAYLOAD_TOO_LARGE",
    "55000": "CONFLICT",
    "55006": "LOCKED",
    "55P03": "LOCKED",
    "57014": ["OPERATION_TIMED_OUT", "none"],
    "57014 user request": ["CANCELLED", "none"],
    "57P01": "CONNECTION_LOST",
    "57P03": ["SERVICE_UNAVAILABLE", "none"],
    "58*": "SERVER_FAILED",
    P0001: "INVALID_REQUEST",
    XX000: "SERVER_FAILED",
    XX001: "DATA_CORRUPTED",
    XX002: "DATA_CORRUPTED",
    "Connection terminated unexpectedly": "CONNECTION_LOST",
    "Connection terminated": "CONNECTION_LOST",
    "Connection terminated due to connection timeout": "CONNECT_TIMED_OUT",
    "timeout expired": "CONNECT_TIMED_OUT",
    "timeout exceeded when trying to connect": "CONNECT_TIMED_OUT",
    "Query read timeout": "OPERATION_TIMED_OUT",
    "Client was closed and is not queryable": "CLIENT_CLOSED",
    "Client has encountered a connection error and is not queryable": ["CONNECTION_LOST", "none"],
    "Cannot use a pool after calling end on the pool": "CLIENT_CLOSED",
  },
  keys(error: ErrorShape): readonly string[] {
    const code = error.text("code");
    if (code === undefined) return [error.message];
    // EPERM has five letters too: the server's errors have a severity.
    if (!/^[0-9A-Z]{5}$/.test(code) || error.text("severity") === undefined) return [];
    const byClass = `${code.slice(0, 2)}*`;
    // One code for a time limit of the server and for a wish of the user.
    const isWish = code === "57014" && error.message.includes("user request");
    return isWish ? ["57014 user request", code, byClass] : [code, byClass];
  },
};
