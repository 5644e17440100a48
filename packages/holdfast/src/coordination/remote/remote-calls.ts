import type { Clock, Timer } from "../../runtime/index.ts";
import type { Span } from "../../telemetry/index.ts";
import type { ByteReader } from "../../wire/index.ts";
import { beginFrame } from "../../wire/index.ts";
import type { Answer, ResponseHeader } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";
import { writeHead, writeTerms } from "./remote-codec.ts";
import { RemoteDialer } from "./remote-dialer.ts";
import { readError, RemoteError } from "./remote-error.ts";
import type { RemoteLine } from "./remote-line.ts";
import type { RemoteSettings } from "./remote-options.ts";
import type { AnswerKind, RequestKind } from "./remote-protocol.ts";
import { askAnother } from "./require-voter.ts";

/** A request, until it is answered. */
export interface RemoteCall<T> {
  readonly kind: RequestKind;
  readonly content: Uint8Array;
  /** Empty without one. */
  readonly token: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly span?: Span | undefined;
  readonly read: (reader: ByteReader, header: ResponseHeader) => T;
}

interface Waiting {
  readonly id: number;
  readonly call: RemoteCall<unknown>;
  readonly deadline: number;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onAbort: (() => void) | undefined;
  /** When it left on the present line; undefined while it has not. */
  sentAt: number | undefined;
  everSent: boolean;
  /** What the last member answered that it came to, if that was that it takes no such request: it did nothing. */
  turnedAway: Error | undefined;
  /** A member may have done it whose answer was lost. */
  inDoubt: boolean;
  again: Timer | undefined;
}

/** What is told of the line besides the answers to calls: watches live on it. */
export interface LineUser {
  onReady(line: RemoteLine): void;
  onLost(): void;
  onAnswer(kind: AnswerKind, reader: ByteReader, line: RemoteLine): void;
  /** Called often. */
  tick(now: number): void;
  /** The client is closed. */
  stop(): void;
}

const tickMs = 100;
/** What another member, or the same one a little later, may answer; a write has a name, and is applied once. */
const passing: ReadonlySet<string> = new Set(["STOPPED", "NO_LEADER", "TIMED_OUT", ...askAnother]);
const againMs = 20;
const frameSlackBytes = 64;

/** All requests of a client: sends them, and again over another line when one is lost, until they are answered. */
export class RemoteCalls {
  readonly settings: RemoteSettings;
  readonly dialer: RemoteDialer;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  /** Those that have not left on the present line, in order. */
  readonly #unsent = new Set<Waiting>();
  readonly #users = new Map<number, LineUser>();
  #lastId = 0;
  #inFlight = 0;
  /** When the present line last answered anything but a refusal that passes. */
  #servedAt = -Infinity;
  #tick: Timer | undefined;
  #closed = false;

  constructor(settings: RemoteSettings) {
    this.settings = settings;
    this.#clock = settings.runtime.clock;
    this.dialer = new RemoteDialer({
      settings,
      onReady: (line) => this.#onReady(line),
      onAnswer: (kind, id, reader) => this.#onAnswer(kind, id, reader),
      onLost: () => this.#onLost(),
      isWanted: () => this.#waiting.size + this.#users.size > 0,
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** @throws CoordinationError, RemoteError; the signal's reason */
  add<T>(call: RemoteCall<T>): Promise<T> {
    const { signal, timeoutMs } = call;
    if (this.#closed) return Promise.reject(new CoordinationError("STOPPED"));
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    if (this.#waiting.size >= this.settings.maxWaiting)
      return Promise.reject(new CoordinationError("TOO_MANY_REQUESTS"));
    return new Promise<T>((resolve, reject) => {
      const id = ++this.#lastId;
      const onAbort = signal && (() => this.#abort(waiting));
      const waiting: Waiting = {
        id,
        call,
        deadline: this.#clock.now() + timeoutMs,
        resolve: resolve as (answer: unknown) => void,
        reject,
        onAbort,
        sentAt: undefined,
        everSent: false,
        turnedAway: undefined,
        inDoubt: false,
        again: undefined,
      };
      if (onAbort !== undefined) signal?.addEventListener("abort", onAbort);
      this.#waiting.set(id, waiting);
      this.#scheduleTick();
      const line = this.dialer.ready;
      if (line !== undefined && this.#unsent.size === 0 && this.#inFlight < line.welcome!.maxInFlight) {
        this.#send(line, waiting);
        return;
      }
      this.#unsent.add(waiting);
      if (line === undefined) this.dialer.want();
    });
  }

  /** Lets somebody live on the line, under a number of its own, until `detach`. */
  attach(user: LineUser): number {
    const id = ++this.#lastId;
    this.#users.set(id, user);
    this.#scheduleTick();
    if (this.dialer.ready === undefined) this.dialer.want();
    return id;
  }

  detach(id: number): void {
    if (this.#users.delete(id)) this.dialer.ready?.send("cancel", id);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tick?.cancel();
    for (const user of this.#users.values()) user.stop();
    for (const waiting of this.#waiting.values()) {
      this.#settle(waiting).reject(new CoordinationError(waiting.everSent ? "TIMED_OUT" : "STOPPED"));
    }
    this.dialer.close();
  }

  #send(line: RemoteLine, waiting: Waiting): void {
    const { id, call } = waiting;
    if (call.content.length + call.token.length + frameSlackBytes > line.welcome!.maxFrameBytes) {
      this.#settle(waiting).reject(new CoordinationError("REQUEST_TOO_LARGE"));
      return;
    }
    const now = this.#clock.now();
    if (waiting.everSent) call.span?.addEvent("sent again");
    waiting.sentAt = now;
    waiting.everSent = true;
    waiting.turnedAway = undefined;
    this.#inFlight++;
    if (call.span !== undefined) line.sendTrace(id, call.span);
    const writer = line.frames.begin();
    const start = beginFrame(writer);
    writeHead(writer, call.kind, id);
    const timeoutMs = Math.min(this.settings.attemptTimeoutMs, Math.max(1, waiting.deadline - now));
    writeTerms(writer, { timeoutMs, token: call.token });
    writer.bytes(call.content);
    line.frames.end(start);
  }

  #sendMore(): void {
    const line = this.dialer.ready;
    if (line === undefined) return;
    for (const waiting of this.#unsent) {
      if (this.#inFlight >= line.welcome!.maxInFlight) return;
      this.#unsent.delete(waiting);
      this.#send(line, waiting);
    }
  }

  #onReady(line: RemoteLine): void {
    this.#servedAt = this.#clock.now();
    this.#sendMore();
    for (const user of this.#users.values()) user.onReady(line);
  }

  #onLost(): void {
    this.#inFlight = 0;
    for (const waiting of this.#waiting.values()) {
      if (waiting.sentAt !== undefined) waiting.inDoubt = true;
      waiting.sentAt = undefined;
      if (waiting.again === undefined) this.#unsent.add(waiting);
    }
    for (const user of this.#users.values()) user.onLost();
  }

  #onAnswer(kind: AnswerKind, id: number, reader: ByteReader): void {
    const line = this.dialer.ready!;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      this.#users.get(id)?.onAnswer(kind, reader, line);
      return;
    }
    if (kind === "error") {
      this.#onError(waiting, readError(reader));
      return;
    }
    const header = line.readHeader(reader);
    const answer = waiting.call.read(reader, header);
    this.#servedAt = this.#clock.now();
    this.#settle(waiting).resolve(answer);
    if (this.#unsent.size > 0) this.#sendMore();
  }

  #onError(waiting: Waiting, error: CoordinationError | RemoteError): void {
    const now = this.#clock.now();
    const { sentAt = now, deadline } = waiting;
    if (!passing.has(error.code) || now + againMs >= deadline) {
      if (!passing.has(error.code)) this.#servedAt = now;
      const isKnown = !askAnother.has(error.code) || !waiting.inDoubt;
      this.#settle(waiting).reject(isKnown ? error : new CoordinationError("TIMED_OUT"));
      this.#sendMore();
      return;
    }
    this.#inFlight--;
    waiting.sentAt = undefined;
    if (askAnother.has(error.code) && !waiting.inDoubt) waiting.turnedAway = error;
    else waiting.inDoubt = true;
    waiting.again = this.#clock.setTimer(againMs, () => {
      waiting.again = undefined;
      this.#unsent.add(waiting);
      this.#sendMore();
    });
    // One that has served nobody since is cut off from the others.
    if (error.code === "STOPPED" || askAnother.has(error.code) || this.#servedAt <= sentAt) this.dialer.leave(error);
  }

  #abort(waiting: Waiting): void {
    if (waiting.sentAt !== undefined) this.dialer.ready?.send("cancel", waiting.id);
    this.#settle(waiting).reject(waiting.call.signal!.reason);
    this.#sendMore();
  }

  /** It is over, one way or the other. */
  #settle(waiting: Waiting): Pick<Waiting, "resolve" | "reject"> {
    if (this.#waiting.delete(waiting.id) && waiting.sentAt !== undefined) this.#inFlight--;
    this.#unsent.delete(waiting);
    waiting.again?.cancel();
    if (waiting.onAbort !== undefined) waiting.call.signal?.removeEventListener("abort", waiting.onAbort);
    return waiting;
  }

  #scheduleTick(): void {
    this.#tick ??= this.#clock.setTimer(tickMs, () => {
      this.#tick = undefined;
      const now = this.#clock.now();
      for (const waiting of this.#waiting.values()) if (waiting.deadline <= now) this.#giveUp(waiting);
      for (const user of this.#users.values()) user.tick(now);
      this.dialer.ready?.tick(this.#inFlight > 0);
      this.#sendMore();
      if (!this.#closed && (this.#waiting.size + this.#users.size > 0 || this.dialer.ready !== undefined)) {
        this.#scheduleTick();
      }
    });
  }

  #giveUp(waiting: Waiting): void {
    if (waiting.sentAt !== undefined) this.dialer.ready?.send("cancel", waiting.id);
    const { turnedAway, everSent } = waiting;
    this.#settle(waiting).reject(turnedAway ?? (everSent ? new CoordinationError("TIMED_OUT") : this.unreachable()));
  }

  /** What to say when no request could leave in time. */
  unreachable(): RemoteError {
    const { lastError: cause } = this.dialer;
    if (cause instanceof RemoteError && cause.code === "WRONG_CLUSTER") return cause;
    const reason = cause === undefined ? "" : `: ${cause.message}`;
    return new RemoteError("ENDPOINTS_UNREACHABLE", `no endpoint can be reached${reason}`, { cause });
  }
}

/** The response with its header, as the interface has it. */
export function answered<T extends object>(response: T, header: ResponseHeader): Answer<T> {
  return { ...response, header };
}
