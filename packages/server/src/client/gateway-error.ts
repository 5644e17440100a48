import { HoldfastError } from "holdfast/errors/base";
import { CoordinationError, type CoordinationErrorCode } from "holdfast/coordination";
import { statusByCode } from "../etcd/status.ts";

/** No endpoint carried the request out; it had no effect. */
export class UnreachableError extends HoldfastError {
  static override readonly brand: string = "UnreachableError";

  /** What each endpoint last answered, or why it did not. */
  readonly tried: ReadonlyMap<string, Error>;

  constructor(tried: ReadonlyMap<string, Error>) {
    const list = [...tried].map(([endpoint, error]) => `${endpoint} (${describeCause(error)})`).join(", ");
    super(`no member could answer: ${list}`, {
      name: "UnreachableError",
      code: "UNREACHABLE",
      kind: "network",
      retryable: true,
    });
    this.tried = tried;
  }
}

/** A server's refusal that is none of the protocol's own; the message is the server's. */
export class GatewayError extends HoldfastError {
  static override readonly brand: string = "GatewayError";

  readonly status: number;

  constructor(status: number, message: string) {
    super(message, { name: "GatewayError", code: "GATEWAY", kind: status >= 500 ? "system" : "business" });
    this.status = status;
  }
}

/** Whether the request may have been applied although it failed: the caller must look, or name the request and repeat it. */
export function isOutcomeUnknown(error: unknown): boolean {
  return error instanceof CoordinationError && (error.code === "TIMED_OUT" || error.code === "SESSION_EXPIRED");
}

const codeByMessage: ReadonlyMap<string, CoordinationErrorCode> = new Map([
  ...Object.entries(statusByCode).map(([code, { message }]): [string, CoordinationErrorCode] => [
    message,
    code as CoordinationErrorCode,
  ]),
  ["etcdserver: leader changed", "TIMED_OUT"],
]);

/** Reads the gateway's error document `{ code, message }`, or a stream's last line `{ error: { message } }`. */
export function decodeGatewayError(status: number, body: string): CoordinationError | GatewayError {
  let message = body.slice(0, 200);
  try {
    const json = JSON.parse(body) as { message?: unknown; error?: unknown };
    if (typeof json.message === "string") message = json.message;
    else if (typeof json.error === "string") message = json.error;
    else if (typeof (json.error as { message?: unknown } | undefined)?.message === "string") {
      // How a stream fails.
      message = (json.error as { readonly message: string }).message;
    }
  } catch {
    // Not JSON: a proxy's page, or another kind of server. Its first words are the message.
  }
  // etcd adds its guess at the reason: "request timed out, possibly due to previous leader failure".
  const code =
    codeByMessage.get(message) ?? (message.startsWith(statusByCode.TIMED_OUT.message) ? "TIMED_OUT" : undefined);
  return code === undefined ? new GatewayError(status, message) : new CoordinationError(code);
}

/** A connection failure in few words: the platform's code when it has one. */
export function describeCause(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ECONNREFUSED") return "connection refused";
  if (code === "ECONNRESET") return "connection reset";
  if (code === "ENOTFOUND") return "host not found";
  if (code === "EPROTO" && error.message.includes("wrong version number")) return "does not speak TLS";
  // OpenSSL's message names its source files.
  if (code?.startsWith("ERR_SSL_") === true) return code.slice("ERR_SSL_".length).toLowerCase().replaceAll("_", " ");
  return error.message === "" ? (code ?? error.name) : error.message;
}
