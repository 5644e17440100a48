import type { Clock, Connection, Timer } from "../../runtime/index.ts";
import type { Span, TraceContext, Tracer } from "../../telemetry/index.ts";
import { beginFrame, ByteReader, FrameDecoder, MalformedError } from "../../wire/index.ts";
import type { Credentials } from "../auth/auth.ts";
import type { Member, RequestOptions } from "../coordination.ts";
import { CoordinationError } from "../coordination-error.ts";
import { readHead, readTerms, readWatch, type RequestHead, type RequestTerms } from "./remote-codec.ts";
import { RemoteError, writeError } from "./remote-error.ts";
import { RemoteFrames, writeAnswerHead, writeStamp } from "./remote-frames.ts";
import {
  clientSilenceMs,
  maxAnswerBytes,
  readHello,
  remotePreface,
  writeWelcome,
  type RequestKind,
} from "./remote-protocol.ts";
import { performRequest, type RemoteAnswer } from "./remote-requests.ts";
import type { RemoteRequestEvent, RemoteServiceLimits } from "./remote-service.ts";
import { ServedWatch } from "./remote-served-watch.ts";
import {
  failRemoteSpan,
  knowledgePing,
  nameRemoteSpan,
  readTrace,
  startRemoteSpan,
  writeKnowledge,
} from "./remote-trace.ts";

export interface RemoteDeskOptions {
  readonly member: Member;
  readonly clock: Clock;
  readonly limits: Required<RemoteServiceLimits>;
  readonly connection: Connection;
  /** Whom the client's certificate names. */
  readonly user: string | undefined;
  /** Why this client is not taken. */
  readonly isFull: "STOPPED" | "TOO_MANY_REQUESTS" | undefined;
  readonly onRequest: ((event: RemoteRequestEvent) => void) | undefined;
  readonly tracer: Tracer | undefined;
  readonly onRefused: (reason: string) => void;
  readonly onClose: () => void;
}

/** What a frame may be longer than the largest request. */
const frameOverheadBytes = 64 * 1024;
/** No request waits longer, whatever its client says. */
const maxTimeoutMs = 7_000;
/** Well above any hello. */
const maxHelloBytes = 64;
const helloTimeoutMs = 10_000;

/** The member's side of one client's connection. */
export class RemoteDesk {
  readonly #options: RemoteDeskOptions;
  readonly #frames: RemoteFrames;
  readonly #decoder: FrameDecoder;
  readonly #watches = new Map<number, ServedWatch>();
  /** Requests whose answers are not written yet; a cancelled one, too, until the member is done with it. */
  readonly #inFlight = new Map<number, { isCancelled: boolean }>();
  #prefaceRead = 0;
  #welcome = false;
  /** What has come for the request that comes next. */
  #trace: { readonly id: number; readonly context: TraceContext | undefined } | undefined;
  #heardAt: number;
  #silence: Timer;
  /** Frames that wait until the client has read. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #stall: Timer | undefined;
  #closed = false;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(options: RemoteDeskOptions) {
    const { connection, clock, limits } = options;
    this.#options = options;
    this.#frames = new RemoteFrames(connection);
    this.#decoder = new FrameDecoder({ maxBytes: limits.maxRequestBytes + frameOverheadBytes });
    this.#heardAt = clock.now();
    this.#silence = clock.setTimer(helloTimeoutMs, () => {
      if (!this.#welcome) this.#refuse("it did not say hello");
    });
    connection.handle({
      onData: (bytes) => this.#onData(bytes),
      onDrain: () => this.#onDrain(),
      onClose: () => this.#onClose(),
    });
  }

  /** Answers what is under way and closes; resolves when the connection has gone. */
  drain(): Promise<void> {
    if (this.#drained === undefined) {
      this.#drained = Promise.withResolvers();
      for (const watch of this.#watches.values()) watch.close();
      this.#sayGoodbye(new CoordinationError("STOPPED"));
      this.#endWhenDone();
    }
    if (this.#closed) this.#drained.resolve();
    return this.#drained.promise;
  }

  destroy(): void {
    this.#options.connection.destroy();
  }

  #onData(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#heardAt = this.#options.clock.now();
    try {
      const rest = this.#prefaceRead < remotePreface.length ? this.#readPreface(bytes) : bytes;
      this.#decoder.push(rest, (payload) => this.#onFrame(payload));
      if (!this.#welcome && this.#decoder.pendingBytes > maxHelloBytes)
        throw new MalformedError("hello", 0, "is too long");
    } catch (error) {
      this.#refuse((error as Error).message);
    }
  }

  #readPreface(bytes: Uint8Array): Uint8Array {
    let at = 0;
    while (at < bytes.length && this.#prefaceRead < remotePreface.length) {
      if (bytes[at++] !== remotePreface[this.#prefaceRead++]) {
        throw new MalformedError("preface", 0, "must be that of this protocol and version");
      }
    }
    return bytes.subarray(at);
  }

  #onFrame(payload: Uint8Array): void {
    if (this.#closed) return;
    try {
      if (!this.#welcome) this.#greet(payload);
      else if (this.#isStalled()) this.#hold(payload);
      else this.#take(payload);
    } catch (error) {
      this.#refuse((error as Error).message);
    }
  }

  #greet(payload: Uint8Array): void {
    const { member, limits, isFull } = this.#options;
    const { clusterId } = readHello(payload);
    if (isFull !== undefined) return this.#farewell(new CoordinationError(isFull));
    if (clusterId !== 0n && clusterId !== member.clusterId) {
      return this.#farewell(new RemoteError("WRONG_CLUSTER", `this is cluster ${member.clusterId.toString(16)}`));
    }
    this.#welcome = true;
    this.#silence.cancel();
    this.#watchSilence();
    this.#frames.send((writer) =>
      writeWelcome(writer, {
        clusterId: member.clusterId,
        memberId: member.id,
        leader: member.status().leader,
        maxInFlight: limits.maxInFlight,
        maxFrameBytes: limits.maxRequestBytes + frameOverheadBytes,
      }),
    );
  }

  #take(payload: Uint8Array): void {
    const reader = new ByteReader(payload);
    const head = readHead(reader);
    switch (head.kind) {
      case "hello":
        throw new MalformedError("hello", 0, "must come once");
      case "ping":
        return this.#pong(head.id);
      case "trace":
        this.#trace = { id: head.id, context: readTrace(reader) };
        return;
      case "cancel":
        return this.#cancel(head.id);
      case "credit":
        return this.#watches.get(head.id)?.addCredit(reader.varint("credit"));
      case "progress":
        return this.#watches.get(head.id)?.requestProgress();
      default:
        this.#start(head, readTerms(reader), reader);
    }
  }

  #start(head: RequestHead, terms: RequestTerms, reader: ByteReader): void {
    const { limits, user } = this.#options;
    const { id, kind } = head;
    if (this.#inFlight.has(id) || this.#watches.has(id))
      throw new MalformedError("request.id", 1, "must be a free one");
    if (this.#drained !== undefined) return this.#answerError(id, new CoordinationError("STOPPED"));
    const isWatch = kind === "watch";
    const under = isWatch ? this.#watches.size < limits.maxWatches : this.#inFlight.size < limits.maxInFlight;
    if (!under) return this.#answerError(id, new CoordinationError("TOO_MANY_REQUESTS"));
    const credentials = credentialsOf(terms.token, user);
    const span = this.#startSpan(id, kind);
    if (isWatch) {
      this.#watch(id, reader, credentials, span);
      return;
    }
    const entry = { isCancelled: false };
    this.#inFlight.set(id, entry);
    const timeoutMs = Math.max(1, Math.min(maxTimeoutMs, terms.timeoutMs));
    const options = credentials === undefined ? { timeoutMs } : { timeoutMs, credentials };
    void this.#perform(head, entry, reader, options, span);
  }

  async #perform(
    { id, kind }: RequestHead,
    entry: { readonly isCancelled: boolean },
    reader: ByteReader,
    options: RequestOptions,
    span: Span | undefined,
  ): Promise<void> {
    const { member, limits, clock, onRequest, tracer } = this.#options;
    const startedAt = clock.now();
    try {
      const perform = (): Promise<RemoteAnswer> =>
        performRequest(member, kind, reader, options, limits, span && ((method) => nameRemoteSpan(span, method)));
      const answer = await (tracer === undefined ? perform() : tracer.run(span, perform));
      span?.end();
      if (this.#finish(id, entry)) this.#answer(id, answer);
      onRequest?.({ kind, durationMs: clock.now() - startedAt });
    } catch (error) {
      if (span !== undefined) failRemoteSpan(span, "server", error);
      onRequest?.({ kind, durationMs: clock.now() - startedAt, error });
      if (!this.#finish(id, entry)) return;
      // What cannot be read is not a request that failed: the client does not speak the protocol.
      if (error instanceof MalformedError) this.#refuse(error.message);
      else this.#answerError(id, error);
    }
  }

  #watch(id: number, reader: ByteReader, credentials: Credentials | undefined, span: Span | undefined): void {
    let demand;
    try {
      demand = readWatch(reader);
      reader.end("watch");
    } catch (error) {
      if (span !== undefined) failRemoteSpan(span, "server", error);
      throw error;
    }
    const watch = new ServedWatch({
      id,
      demand,
      member: this.#options.member,
      credentials,
      span,
      tracer: this.#options.tracer,
      frames: this.#frames,
      isStalled: () => this.#isStalled(),
      onOver: () => this.#watches.delete(id),
    });
    this.#watches.set(id, watch);
    void watch.run();
  }

  #pong(id: number): void {
    this.#frames.send((writer) => {
      writeAnswerHead(writer, "pong", id);
      if (id === knowledgePing) writeKnowledge(writer, { traces: this.#options.tracer !== undefined });
    });
  }

  #startSpan(id: number, kind: RequestKind): Span | undefined {
    const { tracer } = this.#options;
    const trace = this.#trace;
    this.#trace = undefined;
    return tracer && startRemoteSpan(tracer, "server", kind, (trace?.id === id ? trace.context : undefined) ?? null);
  }

  #cancel(id: number): void {
    const entry = this.#inFlight.get(id);
    if (entry !== undefined) entry.isCancelled = true;
    this.#watches.get(id)?.close();
  }

  /** Whether the answer is still wanted. */
  #finish(id: number, entry: { readonly isCancelled: boolean }): boolean {
    this.#inFlight.delete(id);
    this.#endWhenDone();
    return !entry.isCancelled && !this.#closed;
  }

  #answer(id: number, { kind, header, body }: RemoteAnswer): void {
    if (body.length > maxAnswerBytes - 64) {
      const message = `the answer has ${body.length} bytes, and a frame holds ${maxAnswerBytes}`;
      return this.#answerError(id, new RemoteError("ANSWER_TOO_LARGE", message));
    }
    const writer = this.#frames.begin();
    const start = beginFrame(writer);
    writeAnswerHead(writer, kind, id);
    writeStamp(writer, header);
    writer.bytes(body);
    this.#frames.end(start);
  }

  #answerError(id: number, error: unknown): void {
    this.#frames.send((writer) => {
      writeAnswerHead(writer, "error", id);
      writeError(writer, error);
    });
  }

  /** Nothing more is done for a client that does not read what it has. */
  #isStalled(): boolean {
    const { limits, clock } = this.#options;
    if (this.#held.length === 0 && this.#frames.waitingBytes <= limits.maxUnreadBytes) return false;
    this.#stall ??= clock.setTimer(limits.unreadTimeoutMs, () => this.#refuse("it does not read its answers"));
    return true;
  }

  #hold(payload: Uint8Array): void {
    this.#held.push(payload);
    this.#heldBytes += payload.length;
    if (this.#heldBytes > this.#options.limits.maxUnreadBytes) throw new Error("it asks without reading its answers");
  }

  #onDrain(): void {
    this.#stall?.cancel();
    this.#stall = undefined;
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const payload of held) this.#onFrame(payload);
    for (const watch of this.#watches.values()) watch.resume();
  }

  #watchSilence(): void {
    const { clock } = this.#options;
    const left = this.#heardAt + clientSilenceMs - clock.now();
    if (left <= 0) return this.#refuse(`it said nothing for ${clientSilenceMs} ms`);
    this.#silence = clock.setTimer(left, () => this.#watchSilence());
  }

  #sayGoodbye(error: unknown): void {
    this.#frames.send((writer) => {
      writeAnswerHead(writer, "goodbye", 0);
      writeError(writer, error);
    });
  }

  /** Only for those who break the rules: what they are told is why. */
  #refuse(reason: string): void {
    if (this.#closed) return;
    this.#options.onRefused(reason);
    this.#farewell(new RemoteError("MALFORMED", reason));
  }

  #farewell(error: unknown): void {
    const { connection, clock } = this.#options;
    this.#sayGoodbye(error);
    this.#frames.flush();
    connection.end();
    this.#onClose();
    // One that does not read would never close its side.
    this.#silence = clock.setTimer(1_000, () => connection.destroy());
  }

  #endWhenDone(): void {
    if (this.#drained === undefined || this.#inFlight.size > 0 || this.#closed) return;
    // The last answer is written in this turn.
    this.#options.clock.defer(() => this.#options.connection.end());
  }

  #onClose(): void {
    this.#silence.cancel();
    this.#drained?.resolve();
    if (this.#closed) return;
    this.#closed = true;
    this.#stall?.cancel();
    this.#held = [];
    for (const watch of this.#watches.values()) watch.close();
    this.#options.onClose();
  }
}

/** A token says more than the certificate, as with gRPC. */
function credentialsOf(token: string, user: string | undefined): Credentials | undefined {
  if (token !== "") return { token };
  return user === undefined || user === "" ? undefined : { user };
}
