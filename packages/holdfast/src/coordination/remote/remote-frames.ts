import type { Connection } from "../../runtime/index.ts";
import { beginFrame, ByteWriter, endFrame } from "../../wire/index.ts";
import type { ResponseHeader } from "../coordination.ts";
import { answerKinds, type AnswerKind } from "./remote-protocol.ts";

/** What stays allocated for a connection between two writes. */
const keptBytes = 64 * 1024;

/** The sending side of a connection: what is said in one turn leaves in one write. */
export class RemoteFrames {
  readonly #connection: Connection;
  readonly #writer = new ByteWriter(1024);
  #flushing = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Bytes that have not left yet. */
  get waitingBytes(): number {
    return this.#connection.bufferedBytes + this.#writer.length;
  }

  send(write: (writer: ByteWriter) => void): void {
    const writer = this.begin();
    const start = beginFrame(writer);
    write(writer);
    this.end(start);
  }

  /** As `send`, for those who write without a closure: a frame begins at what `beginFrame` returns, until `end`. */
  begin(): ByteWriter {
    return this.#writer;
  }

  end(start: number): void {
    endFrame(this.#writer, start);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.flush());
  }

  flush(): void {
    this.#flushing = false;
    if (this.#writer.length > 0) this.#connection.write(this.#writer.toBytes());
    // There may be many connections.
    this.#writer.clear(keptBytes);
  }
}

export function writeAnswerHead(writer: ByteWriter, kind: AnswerKind, id: number): void {
  writer.u8(answerKinds.indexOf(kind));
  writer.varint(id);
}

/** What an answer's header does not have from the connection. */
export function writeStamp(writer: ByteWriter, { revision, term }: ResponseHeader): void {
  writer.varint(revision);
  writer.varint(term);
}
