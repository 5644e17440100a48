import type { Classifier } from "../classifier.ts";
import type { ErrorShape } from "../error-shape.ts";

/** Names of the NATS client's errors, with what the server said where it matters. */
export const natsClassifier: Classifier = {
  system: "nats",
  rules: {
    NoResponders: ["SERVICE_UNAVAILABLE", "none"],
    "TimeoutError timeout": "OPERATION_TIMED_OUT",
    ConnectionError: "CONNECTION_LOST",
    "ConnectionError connection refused": "CONNECTION_REFUSED",
    ClosedConnectionError: "CLIENT_CLOSED",
    DrainingConnectionError: "CLIENT_CLOSED",
    AuthorizationError: "UNAUTHENTICATED",
    UserAuthenticationExpiredError: "UNAUTHENTICATED",
    PermissionViolationError: "FORBIDDEN",
    InvalidSubjectError: "INVALID_REQUEST",
    "ProtocolError maximum payload": "PAYLOAD_TOO_LARGE",
    "ProtocolError maximum connections": "TOO_MANY_CONNECTIONS",
    ProtocolError: "PROTOCOL_BROKEN",
    "InvalidArgumentError max_payload": "PAYLOAD_TOO_LARGE",
    RequestError: "CONNECTION_LOST",
  },
  keys(error: ErrorShape): readonly string[] {
    const { name, message } = error;
    switch (name) {
      case "TimeoutError":
        // The DOM's has a number as its code, others say more.
        return message === "timeout" ? ["TimeoutError timeout"] : [];
      case "ConnectionError":
        return message === "connection refused" ? ["ConnectionError connection refused"] : isNats(error) ? [name] : [];
      case "RequestError": {
        // Without a cause it says that the connection was closed; else what matters is inside.
        return error.child("cause").isObject || !isNats(error) ? [] : [name];
      }
      case "InvalidArgumentError":
        return message.includes("max_payload") ? ["InvalidArgumentError max_payload"] : [];
      case "ProtocolError":
        if (/maximum payload/i.test(message)) return ["ProtocolError maximum payload"];
        return /maximum connections/i.test(message) ? ["ProtocolError maximum connections"] : [name];
      default:
        return [name];
    }
  },
};

/** Its classes have no marks; their errors have no code. */
function isNats(error: ErrorShape): boolean {
  return error.get("code") === undefined;
}
