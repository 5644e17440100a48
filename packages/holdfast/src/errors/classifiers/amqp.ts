import type { Classifier } from "../classifier.ts";
import type { ErrorShape } from "../error-shape.ts";

/** Reply codes (AMQP 0-9-1, 1.1) with which a broker closes a channel or connection; and what amqplib says itself. */
export const amqpClassifier: Classifier = {
  system: "amqp",
  rules: {
    "320": "CONNECTION_LOST",
    "403": "FORBIDDEN",
    "404": "NOT_FOUND",
    "405": "LOCKED",
    "406": "CONFLICT",
    "501": "PROTOCOL_BROKEN",
    "503": "PROTOCOL_BROKEN",
    "504": "PROTOCOL_BROKEN",
    "505": "PROTOCOL_BROKEN",
    "506": ["SERVICE_UNAVAILABLE", "none"],
    "530": "FORBIDDEN",
    "540": "UNSUPPORTED",
    "541": "SERVER_FAILED",
    "login refused": "UNAUTHENTICATED",
    "Expected ConnectionOpenOk; got <ConnectionClose channel:0>": "FORBIDDEN",
    IllegalOperationError: "CLIENT_CLOSED",
    "channel closed": "CONNECTION_LOST",
    "message nacked": ["SERVICE_UNAVAILABLE", "unknown"],
    "Channel ended, no reply will be forthcoming": "CONNECTION_LOST",
    "Unexpected close": "CONNECTION_LOST",
    "Heartbeat timeout": "CONNECTION_LOST",
    "Socket closed abruptly during opening handshake": ["CONNECTION_LOST", "none"],
  },
  keys(error: ErrorShape): readonly string[] {
    const { message, name } = error;
    if (name === "IllegalOperationError") return [name];
    const code = error.number("code");
    if (code !== undefined) {
      return /^(?:Channel|Connection) closed: \d{3}|^Operation failed: /.test(message) ? [String(code)] : [];
    }
    if (message.startsWith("Handshake terminated by server: 403")) return ["login refused"];
    const [, reply] =
      /^(?:Handshake terminated by server|Connection closed|Channel closed): (\d{3})/.exec(message) ?? [];
    return reply === undefined ? [message] : [reply];
  },
};
