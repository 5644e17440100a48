import type { ServiceError } from "@grpc/grpc-js";
import { CoordinationError, type ResponseHeader } from "../../coordination/index.ts";
import type { HoldfastError } from "../../errors/base.ts";
import { systemClock } from "../../runtime/system.ts";
import type { WireMessage } from "../etcd-protocol/index.ts";
import { startAttemptSpan } from "./attempt-span.ts";
import type { EtcdStream } from "./endpoint.ts";
import type { EtcdCaller } from "./etcd-caller.ts";
import { codeOfText, EtcdError, isLost, toError } from "./etcd-error.ts";
import { etcdMethods } from "./etcd-methods.ts";
import { toHeader, type WatchMessage } from "./response-messages.ts";

/** What a stream tells, each in the turn in which it comes. */
export interface WatchStreamHandlers {
  /** The watch has been created; comes first, once. */
  onOpened(stream: EtcdStream, header: ResponseHeader): void;
  onMessage(message: WatchMessage): void;
  /** The stream is over; comes once, last. */
  onEnd(): void;
}

export interface WatchStreamOptions {
  readonly requireLeader: boolean;
  /** In whose name it is watched, instead of the client's own. */
  readonly token: string | undefined;
}

/** Of one stream of it. */
interface Opening extends WatchStreamOptions {
  /** Whoever asked for the watch waits: what is opened again later belongs to no trace. */
  readonly isFirst: boolean;
}

/** How trying to start a watch on one endpoint ended. */
export type WatchOpening =
  | { readonly type: "opened" }
  /** Another endpoint, or another try, may do better. */
  | { readonly type: "lost"; readonly error: HoldfastError | undefined }
  | { readonly type: "unauthenticated"; readonly error: HoldfastError; readonly token: string | undefined }
  | { readonly type: "refused"; readonly error: HoldfastError };

/** Starts a watch on the endpoint in use; that one is left when it fails, now or later. */
export async function openWatchStream(
  { pool, token }: EtcdCaller,
  create: WireMessage,
  options: Opening,
  handlers: WatchStreamHandlers,
): Promise<WatchOpening> {
  const { connectTimeoutMs, attemptTimeoutMs, tracer } = pool.settings;
  const endpoint = await pool.current();
  const lost = async (error: HoldfastError | undefined): Promise<WatchOpening> => {
    await pool.leave(endpoint);
    return { type: "lost", error };
  };
  if (!(await endpoint.connect(systemClock.now() + connectTimeoutMs))) return lost(undefined);
  const known = await token.get(endpoint, systemClock.now() + attemptTimeoutMs, options.token);
  if (known.type === "failure") {
    const error = toError(known.error, false);
    return isLost(known.error) ? lost(error) : { type: "refused", error };
  }
  const span = options.isFirst && tracer !== undefined ? startAttemptSpan(tracer, etcdMethods.watch) : undefined;
  const hasleader = options.requireLeader ? "true" : undefined;
  const headers = { ...span?.headers, token: known.token, hasleader };
  const stream = endpoint.open(etcdMethods.watch, { headers });
  const outcome = await listen(stream, create, attemptTimeoutMs, {
    ...handlers,
    onEnd() {
      void pool.leave(endpoint).then(() => handlers.onEnd());
    },
  });
  if (outcome.type === "opened") {
    span?.end({ type: "answer", message: {} });
    return outcome;
  }
  if (outcome.type === "canceled") {
    const error = cancelError(outcome.reason);
    span?.fail(error);
    return refusal(error, known.token);
  }
  const { error } = outcome;
  if (error === undefined) {
    const timedOut = new CoordinationError("TIMED_OUT");
    span?.fail(timedOut);
    return lost(timedOut);
  }
  span?.end({ type: "failure", error });
  if (isLost(error)) return lost(toError(error, false));
  return refusal(toError(error, false), known.token);
}

/** etcd 3.4 says of a token that it does not know that permission is denied. */
function refusal(error: HoldfastError, token: string | undefined): WatchOpening {
  const unauthenticated = ["PERMISSION_DENIED", "INVALID_AUTH_TOKEN", "AUTH_OLD_REVISION", "USER_EMPTY"];
  return unauthenticated.includes(error.code) ? { type: "unauthenticated", error, token } : { type: "refused", error };
}

/** Why a watch was ended, or not begun, by what the server says. */
export function cancelError(reason: string): CoordinationError | EtcdError {
  const code = codeOfText(reason) ?? codeOfText(/desc = (.*)$/s.exec(reason)?.[1] ?? "");
  if (code !== undefined) return new CoordinationError(code);
  return new EtcdError("ETCD_STATUS", `the watch was ended: ${reason === "" ? "no reason given" : reason}`, {
    kind: "system",
  });
}

type Listening =
  | { readonly type: "opened" }
  | { readonly type: "canceled"; readonly reason: string }
  | { readonly type: "failed"; readonly error: ServiceError | undefined };

function listen(
  stream: EtcdStream,
  create: WireMessage,
  timeoutMs: number,
  handlers: WatchStreamHandlers,
): Promise<Listening> {
  return new Promise((resolve) => {
    let opened = false;
    let isOver = false;
    const timer = systemClock.setTimer(timeoutMs, () => {
      stream.cancel();
      end(undefined);
    });
    function end(error: ServiceError | undefined): void {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      if (opened) handlers.onEnd();
      else resolve({ type: "failed", error });
    }
    stream.on("data", (data: WireMessage) => {
      if (isOver) return;
      const message = data as WatchMessage;
      if (opened) return handlers.onMessage(message);
      timer.cancel();
      if (message.canceled) {
        isOver = true;
        stream.cancel();
        return resolve({ type: "canceled", reason: message.cancel_reason });
      }
      opened = true;
      handlers.onOpened(stream, toHeader(message));
      resolve({ type: "opened" });
    });
    stream.on("error", (error: ServiceError) => end(error));
    stream.on("end", () => end(undefined));
    stream.write(create);
  });
}
