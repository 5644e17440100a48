import type { Classifier } from "../classifier.ts";

/** undici, which is also Node's fetch, and what axios makes of its failures when there is no answer. */
export const undiciClassifier: Classifier = {
  system: "http-client",
  rules: {
    UND_ERR_CONNECT_TIMEOUT: "CONNECT_TIMED_OUT",
    UND_ERR_HEADERS_TIMEOUT: "OPERATION_TIMED_OUT",
    UND_ERR_BODY_TIMEOUT: "OPERATION_TIMED_OUT",
    UND_ERR_SOCKET: "CONNECTION_LOST",
    UND_ERR_ABORTED: "CANCELLED",
    UND_ERR_ABORT: "CANCELLED",
    UND_ERR_DESTROYED: "CLIENT_CLOSED",
    UND_ERR_CLOSED: "CLIENT_CLOSED",
    UND_ERR_INVALID_ARG: "DEFECT",
    UND_ERR_HEADERS_OVERFLOW: "PROTOCOL_BROKEN",
    UND_ERR_RES_EXCEEDED_MAX_SIZE: "PAYLOAD_TOO_LARGE",
    UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "PROTOCOL_BROKEN",
    UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: "DEFECT",
    UND_ERR_NOT_SUPPORTED: "UNSUPPORTED",
    UND_ERR_INFO: "CONNECTION_LOST",
    ERR_CANCELED: "CANCELLED",
    ERR_FR_TOO_MANY_REDIRECTS: "PROTOCOL_BROKEN",
    ERR_BAD_OPTION_VALUE: "DEFECT",
    "ECONNABORTED timeout": "OPERATION_TIMED_OUT",
    "ETIMEDOUT timeout": "OPERATION_TIMED_OUT",
    "ERR_BAD_RESPONSE aborted": "CONNECTION_LOST",
    HTTPParserError: "PROTOCOL_BROKEN",
  },
  keys(error) {
    const code = error.text("code");
    // undici's parser gives its own no code.
    if (code === undefined) return error.message.startsWith("Response does not match") ? ["HTTPParserError"] : [];
    // A body cut short; with a status it is one of http's.
    if (code === "ERR_BAD_RESPONSE" && /aborted/.test(error.message)) return [`${code} aborted`];
    // axios names its own timeouts with the platform's codes.
    const isTimeout = error.get("syscall") === undefined && /timeout/i.test(error.message);
    return isTimeout ? [`${code} timeout`, code] : [code];
  },
};
