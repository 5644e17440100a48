import type { Metadata } from "@grpc/grpc-js";
import type { CallContext } from "../../resilience/index.ts";
import { systemClock } from "../../runtime/system.ts";
import { statusOf } from "./local-status.ts";
import { Outcome } from "./outcome.ts";
import { ProtectedCall, type CallInterface, type Listener, type MessageContext } from "./protected-call.ts";

/**
 * A call with a stream on either side. Policies decide whether and when it begins; it begins once, because what went
 * through cannot be taken back. Until then the caller's messages wait: one, for its stream sends the next after that.
 */
export class StreamCall extends ProtectedCall {
  #waiting: ((call: CallInterface) => void)[] = [];
  #ended: Promise<Outcome> | undefined;

  override start(metadata: Metadata, listener?: Listener): void {
    super.start(metadata, listener);
    this.execute((context) => (this.#ended ??= this.#begin(context)));
  }

  sendMessageWithContext(context: MessageContext, message: unknown): void {
    this.#forward((call) => call.sendMessageWithContext(context, message));
  }

  halfClose(): void {
    this.#forward((call) => call.halfClose());
  }

  startRead(): void {
    this.#forward((call) => call.startRead());
  }

  /** The stream itself has told the caller how it ended, unless it never began. */
  protected override onValue(value: unknown): void {
    if (this.#ended === undefined) super.onValue(value);
  }

  protected override onFailure(error: unknown): void {
    if (this.latest === undefined) super.onFailure(error);
  }

  async #begin({ signal }: CallContext): Promise<Outcome> {
    signal.throwIfAborted();
    const call = this.begin();
    const outcome = await this.#outcomeOf(call, signal);
    const failure = this.failureOf(outcome.status, false);
    this.scope.attemptEnded(failure);
    signal.throwIfAborted();
    if (failure !== undefined) throw failure;
    return outcome;
  }

  #outcomeOf(call: CallInterface, signal: AbortSignal): Promise<Outcome> {
    return new Promise((resolve) => {
      const { listener } = this;
      const onAbort = (): void => {
        const { code, details } = statusOf(signal.reason, this.metadata);
        call.cancelWithStatus(code, details);
      };
      signal.addEventListener("abort", onAbort);
      call.start(this.metadata, {
        onReceiveMetadata: (metadata) => listener.onReceiveMetadata?.(metadata),
        onReceiveMessage: (message) => listener.onReceiveMessage?.(message),
        onReceiveStatus: (status) => {
          signal.removeEventListener("abort", onAbort);
          this.finish();
          resolve(new Outcome(status, undefined, null));
          // The policies first: who begins the next call as soon as this one ends must find its place free.
          systemClock.defer(() => listener.onReceiveStatus?.(status));
        },
      });
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const action of waiting) action(call);
    });
  }

  #forward(action: (call: CallInterface) => void): void {
    if (this.latest === undefined) this.#waiting.push(action);
    else action(this.latest);
  }
}
