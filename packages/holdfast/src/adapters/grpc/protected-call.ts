import type { InterceptingCall, InterceptorOptions, Metadata, StatusObject } from "@grpc/grpc-js";
import type { ExecuteOptions, Operation, Policy } from "../../resilience/index.ts";
import { CallerScope } from "./caller-scope.ts";
import { GrpcStatusError } from "./grpc-status-error.ts";
import type { InterceptorSettings } from "./interceptor-options.ts";
import { localStatus, statusOf } from "./local-status.ts";
import { Outcome } from "./outcome.ts";
import { pushbackOf } from "./pushback.ts";
import { grpcCode, type GrpcCode } from "./status-code.ts";

/** The interface of calls, by its parts: the client does not export all of their names. */
export type CallInterface = Pick<InterceptingCall, keyof InterceptingCall>;
export type NextCall = (options: InterceptorOptions) => CallInterface;
export type Listener = NonNullable<Parameters<CallInterface["start"]>[1]>;
export type MessageContext = Parameters<CallInterface["sendMessageWithContext"]>[0];

/** What unary calls and streams have in common: the client sees one call, whatever is behind it. */
export abstract class ProtectedCall implements CallInterface {
  protected readonly settings: InterceptorSettings;
  readonly #options: InterceptorOptions;
  protected readonly path: string;
  readonly #nextCall: NextCall;
  /** The attempt that was begun last. */
  protected latest: CallInterface | undefined;
  readonly #policy: Policy<unknown>;
  #scope: CallerScope | undefined;
  #listener: Listener = {};
  #sent: Metadata | undefined;
  #over = false;

  constructor(policy: Policy<unknown>, settings: InterceptorSettings, options: InterceptorOptions, nextCall: NextCall) {
    this.#policy = policy;
    this.settings = settings;
    this.#options = options;
    this.path = options.method_definition.path;
    this.#nextCall = nextCall;
  }

  start(metadata: Metadata, listener: Listener = {}): void {
    this.#sent = metadata;
    this.#listener = listener;
    this.#scope = new CallerScope(this.path, this.#options, metadata);
  }

  abstract sendMessageWithContext(context: MessageContext, message: unknown): void;
  abstract halfClose(): void;
  abstract startRead(): void;

  sendMessage(message: unknown): void {
    this.sendMessageWithContext({}, message);
  }

  cancelWithStatus(code: GrpcCode, details: string): void {
    this.#scope?.cancel(code, details);
  }

  getPeer(): string {
    return this.latest?.getPeer() ?? "unknown";
  }

  getAuthContext(): ReturnType<CallInterface["getAuthContext"]> {
    return this.latest?.getAuthContext() ?? null;
  }

  protected get metadata(): Metadata {
    return this.#sent as Metadata;
  }

  protected get listener(): Listener {
    return this.#listener;
  }

  protected get scope(): CallerScope {
    return this.#scope as CallerScope;
  }

  protected begin(): CallInterface {
    try {
      this.latest = this.#nextCall(this.#options);
    } catch (cause) {
      // The client refuses the call itself, as it does when it is closed: trying again changes nothing.
      const details = cause instanceof Error ? cause.message : String(cause);
      const status = localStatus(grpcCode.internal, details, this.metadata);
      throw new GrpcStatusError({ path: this.path, status, retryable: false, cause });
    }
    this.scope.attemptBegan();
    return this.latest;
  }

  protected execute(operation: Operation<Outcome>): void {
    try {
      this.#policy.execute(operation, this.#executeOptions()).then(
        (value) => this.#later(() => this.onValue(value)),
        (error: unknown) => this.#later(() => this.onFailure(error)),
      );
    } catch (error) {
      this.#later(() => this.onFailure(error));
    }
  }

  protected onValue(value: unknown): void {
    this.deliver(value instanceof Outcome ? value : this.#substitute(value));
  }

  protected onFailure(error: unknown): void {
    this.deliver(new Outcome(statusOf(error, this.metadata), undefined, null));
  }

  /** Gives the caller what it waits for, once. */
  protected deliver({ metadata, message, status }: Outcome): void {
    if (this.#over) return;
    this.finish();
    if (metadata !== undefined) this.#listener.onReceiveMetadata?.(metadata);
    if (status.code === grpcCode.ok) this.#listener.onReceiveMessage?.(message);
    this.#listener.onReceiveStatus?.(status);
  }

  protected finish(): void {
    this.#over = true;
    this.scope.end();
  }

  /** What a status is for the policies: undefined when it is no failure. */
  protected failureOf(status: StatusObject, repeatable: boolean): GrpcStatusError | undefined {
    if (!this.settings.isFailure(status.code)) return undefined;
    const pushback = pushbackOf(status.metadata);
    return new GrpcStatusError({
      path: this.path,
      status,
      retryable: repeatable && pushback !== "never" && this.settings.mayRetry(status.code) && !this.scope.expired,
      retryAfterMs: pushback === "never" ? undefined : pushback,
    });
  }

  #executeOptions(): ExecuteOptions {
    const { key, priority } = this.settings;
    const call = { path: this.path, metadata: this.metadata };
    return {
      signal: this.scope.signal,
      ...(key === undefined ? {} : { key: key(call) }),
      ...(priority === undefined ? {} : { priority: priority(call) }),
    };
  }

  /** What a policy answers in place of the server is the message. */
  #substitute(message: unknown): Outcome {
    return new Outcome(localStatus(grpcCode.ok, "OK", this.metadata), undefined, message);
  }

  /** Outside of all promises: what the caller's callback throws is the process's to handle, as without policies. */
  #later(callback: () => void): void {
    queueMicrotask(callback);
  }
}
