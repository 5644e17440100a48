import type { Classifier } from "../classifier.ts";
import type { ErrorShape } from "../error-shape.ts";

/** A server's error replies, by their first word; and what the ioredis client says itself. */
export const redisClassifier: Classifier = {
  system: "redis",
  rules: {
    ERR: "INVALID_REQUEST",
    WRONGTYPE: "INVALID_REQUEST",
    "ERR max number of clients reached": "TOO_MANY_CONNECTIONS",
    "ERR unknown command": "UNSUPPORTED",
    OOM: "OUT_OF_MEMORY",
    BUSY: "LOCKED",
    BUSYGROUP: "ALREADY_EXISTS",
    NOGROUP: "NOT_FOUND",
    NOSCRIPT: "NOT_FOUND",
    LOADING: ["SERVICE_UNAVAILABLE", "none"],
    MASTERDOWN: ["SERVICE_UNAVAILABLE", "none"],
    CLUSTERDOWN: ["SERVICE_UNAVAILABLE", "none"],
    TRYAGAIN: ["SERVICE_UNAVAILABLE", "none"],
    NOREPLICAS: ["SERVICE_UNAVAILABLE", "none"],
    MOVED: "WRONG_NODE",
    ASK: "WRONG_NODE",
    READONLY: "WRONG_NODE",
    CROSSSLOT: "INVALID_REQUEST",
    MISCONF: "DISK_FAILED",
    NOAUTH: "UNAUTHENTICATED",
    WRONGPASS: "UNAUTHENTICATED",
    NOPERM: "FORBIDDEN",
    EXECABORT: "INVALID_REQUEST",
    UNKILLABLE: "LOCKED",
    NOTBUSY: "NOT_FOUND",
    "Connection is closed.": "CONNECTION_LOST",
    "Command timed out": "OPERATION_TIMED_OUT",
    "Socket timeout": "OPERATION_TIMED_OUT",
    "Stream isn't writeable and enableOfflineQueue options is false": ["CONNECTION_LOST", "none"],
    MaxRetriesPerRequestError: "CONNECTION_LOST",
    "Unknown RESP type": "PROTOCOL_BROKEN",
    ClusterAllFailedError: ["SERVICE_UNAVAILABLE", "none"],
  },
  keys(error: ErrorShape): readonly string[] {
    const { name, message } = error;
    if (name === "MaxRetriesPerRequestError" || name === "ClusterAllFailedError") return [name];
    if (name === "ReplyError" || name === "ErrorReply" || name === "SimpleError") return replyKeys(message);
    if (error.get("code") !== undefined) return [];
    if (message.startsWith("Unknown RESP type ")) return ["Unknown RESP type"];
    return message.startsWith("Socket timeout. ") ? ["Socket timeout"] : [message];
  },
};

function replyKeys(message: string): readonly string[] {
  const [word = ""] = /^[A-Z]+\b/.exec(message) ?? [];
  if (message.startsWith("ERR unknown command")) return ["ERR unknown command"];
  return [message, word];
}
