import type { Classifier } from "../classifier.ts";
import type { ErrorShape } from "../error-shape.ts";

/** Status codes (RFC 9110, 15; RFC 6585), of an error or of the response it carries; also of a response itself. */
export const httpClassifier: Classifier = {
  system: "http",
  rules: {
    400: "INVALID_REQUEST",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "UNSUPPORTED",
    406: "UNSUPPORTED",
    407: "UNAUTHENTICATED",
    408: "OPERATION_TIMED_OUT",
    409: "CONFLICT",
    410: "GONE",
    412: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED",
    421: "WRONG_NODE",
    422: "INVALID_REQUEST",
    423: "LOCKED",
    425: "TOO_MANY_REQUESTS",
    428: "INVALID_REQUEST",
    429: "TOO_MANY_REQUESTS",
    500: "SERVER_FAILED",
    501: "UNSUPPORTED",
    502: "BAD_GATEWAY",
    503: "SERVICE_UNAVAILABLE",
    504: "OPERATION_TIMED_OUT",
    507: "DISK_FULL",
    511: "UNAUTHENTICATED",
    "4xx": "INVALID_REQUEST",
    "5xx": "SERVER_FAILED",
  },
  keys(error: ErrorShape): readonly string[] {
    const response = error.child("response");
    const status =
      response.number("status") ??
      response.number("statusCode") ??
      error.number("status") ??
      error.number("statusCode");
    if (status === undefined || !Number.isInteger(status) || status < 400 || status > 599) return [];
    return [String(status), status < 500 ? "4xx" : "5xx"];
  },
};
