import type { Clock, Connection } from "../../runtime/index.ts";
import type { TraceContext } from "../../telemetry/index.ts";
import { ByteReader, FrameDecoder, type ByteWriter } from "../../wire/index.ts";
import type { ResponseHeader } from "../coordination.ts";
import { writeHead } from "./remote-codec.ts";
import { readError } from "./remote-error.ts";
import { RemoteFrames } from "./remote-frames.ts";
import {
  answerKinds,
  maxAnswerBytes,
  pingMs,
  readWelcome,
  remotePreface,
  writeHello,
  type AnswerKind,
  type RemoteWelcome,
  type RequestKind,
} from "./remote-protocol.ts";
import { knowledgePing, readKnowledge, writeTrace } from "./remote-trace.ts";
import { choose } from "../request-codec.ts";

export interface RemoteLineOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  /** 0n: whatever cluster it is. */
  readonly clusterId: bigint;
  /** Whether there are traces to send, to a member that takes them. */
  readonly traces: boolean;
  readonly onWelcome: (line: RemoteLine) => void;
  /** An answer to a request or a watch: `reader` stands after its number. */
  readonly onAnswer: (kind: AnswerKind, id: number, reader: ByteReader) => void;
  /** Once: the connection is of no more use. */
  readonly onLost: (error: Error | undefined) => void;
}

/** A member that answers no ping for this long is given up, whatever TCP still hopes for. */
const pongMs = 2_000;
/** While answers are waited for. */
const impatientPingMs = 1_000;

/** The client's side of a connection, good for one life. */
export class RemoteLine {
  readonly frames: RemoteFrames;
  readonly #options: RemoteLineOptions;
  #welcome: RemoteWelcome | undefined;
  #takesTraces = false;
  #heardAt: number;
  #lastPingAt: number;
  /** When the ping left that nothing has been heard after. */
  #pingedAt: number | undefined;
  #lost = false;

  constructor(options: RemoteLineOptions) {
    const { connection, clock, clusterId } = options;
    this.#options = options;
    this.frames = new RemoteFrames(connection);
    this.#heardAt = this.#lastPingAt = clock.now();
    const decoder = new FrameDecoder({ maxBytes: maxAnswerBytes });
    connection.handle({
      onData: (bytes) => {
        if (this.#lost) return;
        this.#heardAt = clock.now();
        this.#pingedAt = undefined;
        try {
          decoder.push(bytes, (payload) => this.#onFrame(payload));
        } catch (error) {
          this.lose(error as Error);
        }
      },
      onClose: (error) => this.lose(error),
    });
    connection.write(remotePreface.slice());
    this.frames.send((writer) => writeHello(writer, { clusterId }));
    // Its answer follows the welcome, and the first request may have a trace.
    if (options.traces) this.send("ping", knowledgePing);
  }

  /** Undefined until the member has taken this client. */
  get welcome(): RemoteWelcome | undefined {
    return this.#welcome;
  }

  /** Sends one frame. */
  send(kind: RequestKind, id: number, write?: (writer: ByteWriter) => void): void {
    this.frames.send((writer) => {
      writeHead(writer, kind, id);
      write?.(writer);
    });
  }

  /** Which trace the next request belongs to; nothing for a member that takes none. */
  sendTrace(id: number, context: TraceContext): void {
    if (this.#takesTraces && context.sampled) this.frames.send((writer) => writeTrace(writer, id, context));
  }

  /** What an answer begins with. */
  readHeader(reader: ByteReader): ResponseHeader {
    const { clusterId, memberId } = this.#welcome!;
    const revision = reader.varint("answer.revision");
    return { clusterId, memberId, revision, term: reader.varint("answer.term") };
  }

  /** To be called often: keeps the connection alive, and finds out when it is dead. */
  tick(isWaiting: boolean): void {
    const now = this.#options.clock.now();
    if (this.#pingedAt !== undefined) {
      if (now - this.#pingedAt >= pongMs) this.lose(new Error(`the member answered nothing for ${pongMs} ms`));
      return;
    }
    // Also while answers keep coming: the member, too, wants to hear that somebody is there.
    if (now - this.#lastPingAt < pingMs && !(isWaiting && now - this.#heardAt >= impatientPingMs)) return;
    this.#pingedAt = this.#lastPingAt = now;
    this.send("ping", 0);
  }

  lose(error: Error | undefined): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#options.connection.destroy();
    this.#options.onLost(error);
  }

  #onFrame(payload: Uint8Array): void {
    if (this.#lost) return;
    try {
      this.#read(new ByteReader(payload));
    } catch (error) {
      this.lose(error as Error);
    }
  }

  #read(reader: ByteReader): void {
    const kind = choose(reader, "answer.kind", answerKinds);
    if (kind === "welcome") {
      this.#welcome = readWelcome(reader);
      if (!this.#options.traces) this.#options.onWelcome(this);
      return;
    }
    const id = reader.varint("answer.id");
    if (kind === "goodbye") this.lose(readError(reader));
    else if (kind === "pong" && id === knowledgePing && this.#options.traces) {
      this.#takesTraces = readKnowledge(reader).traces;
      this.#options.onWelcome(this);
    } else if (kind !== "pong") this.#options.onAnswer(kind, id, reader);
  }
}
