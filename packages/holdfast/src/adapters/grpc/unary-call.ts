import type { Metadata } from "@grpc/grpc-js";
import type { CallContext } from "../../resilience/index.ts";
import { CallNotRepeatedError } from "./grpc-status-error.ts";
import { statusOf } from "./local-status.ts";
import { Outcome } from "./outcome.ts";
import { ProtectedCall, type CallInterface, type MessageContext } from "./protected-call.ts";

/** One request, one answer: the request is kept, and each attempt sends it in a call of its own. */
export class UnaryCall extends ProtectedCall {
  #context: MessageContext = {};
  #message: unknown;
  #attempts = 0;
  #failure: unknown;

  sendMessageWithContext(context: MessageContext, message: unknown): void {
    this.#context = context;
    this.#message = message;
  }

  /** All of the request is known now. */
  halfClose(): void {
    this.execute((context) => this.#attempt(context));
  }

  startRead(): void {
    // Attempts read by themselves.
  }

  async #attempt(context: CallContext): Promise<Outcome> {
    const repeatable = this.settings.repeatable?.(this.path) ?? true;
    if (this.#attempts > 0 && !repeatable) throw new CallNotRepeatedError(this.path, this.#failure);
    const attempt = ++this.#attempts;
    const { signal } = context;
    signal.throwIfAborted();
    const call = this.begin();
    const outcome = await this.#outcomeOf(call, attempt, signal);
    const failure = this.failureOf(outcome.status, repeatable);
    this.scope.attemptEnded(failure);
    signal.throwIfAborted();
    if (failure === undefined) return outcome;
    this.#failure = failure;
    throw failure;
  }

  #outcomeOf(call: CallInterface, attempt: number, signal: AbortSignal): Promise<Outcome> {
    return new Promise((resolve) => {
      const onAbort = (): void => {
        const { code, details } = statusOf(signal.reason, this.metadata);
        call.cancelWithStatus(code, details);
      };
      signal.addEventListener("abort", onAbort);
      let headers: Metadata | undefined;
      let answer: unknown = null;
      call.start(this.#headersOf(attempt), {
        onReceiveMetadata: (metadata) => void (headers = metadata),
        onReceiveMessage: (message) => void (answer = message),
        onReceiveStatus: (status) => {
          signal.removeEventListener("abort", onAbort);
          resolve(new Outcome(status, headers, answer));
        },
      });
      call.sendMessageWithContext(attempt === 1 ? this.#context : {}, this.#message);
      call.halfClose();
    });
  }

  /** Interceptors further in may change what they get. */
  #headersOf(attempt: number): Metadata {
    const metadata = this.metadata.clone();
    // gRFC A6, "Exposed Retry Metadata".
    if (attempt > 1) metadata.set("grpc-previous-rpc-attempts", String(attempt - 1));
    return metadata;
  }
}
