import type { Classifier } from "../classifier.ts";
import type { ErrorShape } from "../error-shape.ts";

/** Node's own codes: the system's (errno), the resolver's, TLS, the HTTP parser, streams; the system call where it matters. */
export const nodeClassifier: Classifier = {
  system: "node",
  rules: {
    ECONNREFUSED: "CONNECTION_REFUSED",
    ECONNRESET: "CONNECTION_LOST",
    ECONNABORTED: "CONNECTION_LOST",
    EPIPE: "CONNECTION_LOST",
    ENOTCONN: "CONNECTION_LOST",
    EHOSTUNREACH: "HOST_UNREACHABLE",
    ENETUNREACH: "HOST_UNREACHABLE",
    ENETDOWN: "HOST_UNREACHABLE",
    EHOSTDOWN: "HOST_UNREACHABLE",
    ETIMEDOUT: "OPERATION_TIMED_OUT",
    "ETIMEDOUT connect": "CONNECT_TIMED_OUT",
    ENOTFOUND: "HOST_NOT_FOUND",
    ENODATA: "HOST_NOT_FOUND",
    EAI_AGAIN: "NAME_LOOKUP_FAILED",
    ESERVFAIL: "NAME_LOOKUP_FAILED",
    EREFUSED: "NAME_LOOKUP_FAILED",
    ETIMEOUT: "NAME_LOOKUP_FAILED",
    ECANCELLED: "CANCELLED",
    EADDRINUSE: "LOCKED",
    "EADDRNOTAVAIL connect": "TOO_MANY_CONNECTIONS",
    EADDRNOTAVAIL: "INVALID_REQUEST",
    EMFILE: "TOO_MANY_FILES",
    ENFILE: "TOO_MANY_FILES",
    EAGAIN: "LOCKED",
    EBUSY: "LOCKED",
    ETXTBSY: "LOCKED",
    ELOCKED: "LOCKED",
    ENOMEM: "OUT_OF_MEMORY",
    ENOBUFS: "OUT_OF_MEMORY",
    ENOSPC: "DISK_FULL",
    EDQUOT: "DISK_FULL",
    EFBIG: "PAYLOAD_TOO_LARGE",
    EMSGSIZE: "PAYLOAD_TOO_LARGE",
    EACCES: "ACCESS_DENIED",
    EPERM: "ACCESS_DENIED",
    EROFS: "ACCESS_DENIED",
    EIO: "DISK_FAILED",
    ENOENT: "NOT_FOUND",
    ESRCH: "NOT_FOUND",
    EEXIST: "ALREADY_EXISTS",
    ENOTEMPTY: "CONFLICT",
    EISDIR: "INVALID_REQUEST",
    ENOTDIR: "INVALID_REQUEST",
    ELOOP: "INVALID_REQUEST",
    ENAMETOOLONG: "INVALID_REQUEST",
    EXDEV: "UNSUPPORTED",
    EINVAL: "INVALID_REQUEST",
    EBADF: "DEFECT",
    EPROTO: "TLS_FAILED",
    "ERR_SSL_*": "TLS_FAILED",
    ERR_TLS_CERT_ALTNAME_INVALID: "TLS_FAILED",
    ERR_TLS_HANDSHAKE_TIMEOUT: "CONNECT_TIMED_OUT",
    CERT_HAS_EXPIRED: "TLS_FAILED",
    DEPTH_ZERO_SELF_SIGNED_CERT: "TLS_FAILED",
    SELF_SIGNED_CERT_IN_CHAIN: "TLS_FAILED",
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: "TLS_FAILED",
    "HPE_*": "PROTOCOL_BROKEN",
    "ERR_HTTP2_*": "CONNECTION_LOST",
    ERR_STREAM_PREMATURE_CLOSE: "CONNECTION_LOST",
    ERR_STREAM_DESTROYED: "CLIENT_CLOSED",
    ERR_STREAM_WRITE_AFTER_END: "CLIENT_CLOSED",
    ERR_SOCKET_CLOSED: "CLIENT_CLOSED",
    ERR_SERVER_NOT_RUNNING: "CLIENT_CLOSED",
    ERR_IPC_CHANNEL_CLOSED: "CONNECTION_LOST",
    ERR_CHILD_PROCESS_STDIO_MAXBUFFER: "PAYLOAD_TOO_LARGE",
    ERR_OUT_OF_RANGE: "DEFECT",
    "ERR_INVALID_*": "DEFECT",
    ERR_ASSERTION: "DEFECT",
    ABORT_ERR: "CANCELLED",
  },
  keys(error: ErrorShape): readonly string[] {
    const said = error.text("code");
    const code = said === undefined ? undefined : (unnamed[said] ?? said);
    // Clients that watch the time themselves use the platform's words without its code.
    if (code === undefined && error.message === "connect ETIMEDOUT") return ["ETIMEDOUT connect"];
    if (code === undefined || code.length > 64) return [];
    const syscall = error.text("syscall");
    const family = /^(?:ERR_SSL|HPE|ERR_HTTP2|ERR_INVALID)_/.exec(code)?.[0];
    return [
      ...(syscall === undefined ? [] : [`${code} ${syscall}`]),
      code,
      ...(family === undefined ? [] : [`${family}*`]),
    ];
  },
};

/** Errors of the system that Node has no name for: EDQUOT of Linux and of macOS. */
const unnamed: Readonly<Record<string, string>> = {
  "Unknown system error -122": "EDQUOT",
  "Unknown system error -69": "EDQUOT",
};
