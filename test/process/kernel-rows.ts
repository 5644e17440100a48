/** Rows of `node` that errors-kernel.test.ts provokes. */
export const limitRows: readonly string[] = ["EAGAIN", "EFBIG", "ENOBUFS", "ENOMEM", "ENOTCONN"];

/** What kernel-network.ts meets, and kernel-files.ts. */
export const networkRows: readonly string[] = [
  "EHOSTUNREACH",
  "ECONNABORTED",
  "EAI_AGAIN",
  "EADDRNOTAVAIL connect",
  "EHOSTDOWN",
  "ETIMEDOUT",
];
export const fileRows: readonly string[] = ["EROFS", "EDQUOT", "ENETDOWN", "ENFILE"];

/** Rows of `node` that errors-certificates.test.ts provokes. */
export const certificateRows: readonly string[] = [
  "CERT_HAS_EXPIRED",
  "EPROTO",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
];

/** Rows of `sqlite` that errors-kernel.test.ts provokes: locks are refused, a file and the memory may not grow. */
export const sqliteRows: readonly string[] = ["SQLITE_PERM", "SQLITE_IOERR", "SQLITE_NOMEM"];
