import { connect, type ClientHttp2Session } from "node:http2";
import { parentPort, workerData } from "node:worker_threads";
import { Histogram } from "holdfast/proof";
import { framed, MessageReader } from "../packages/server/src/grpc/message-reader.ts";

/**
 * Watchers of one prefix over gRPC, in a thread of their own, that read as little of each message as proves that every
 * watcher is told every change once and in order. A value begins with the time at which it was put.
 */
export interface ReaderPlan {
  readonly url: string;
  readonly streams: number;
  readonly watchersPerStream: number;
  readonly connections: number;
  /** `WatchRequest`, encoded, one for each watcher of a stream. */
  readonly requests: readonly Uint8Array[];
  /** Each watcher is told of so many. */
  readonly puts: number;
}

export type ReaderReport =
  | { readonly type: "ready" }
  | { readonly type: "done"; readonly events: number; readonly messages: number; readonly quantiles: readonly number[] }
  | { readonly type: "failed"; readonly message: string };

/** Of the lag, in the order of `quantiles` in the report; the last one is the greatest. */
export const lagQuantiles: readonly number[] = [0.5, 0.99, 1];

const windowBytes = 16 * 1024 * 1024;

interface Watch {
  /** The revision that it must be told next; 0 before it exists. */
  expected: number;
  told: number;
}

async function read({ url, streams, watchersPerStream, connections, requests, puts }: ReaderPlan): Promise<void> {
  const lag = new Histogram();
  const sessions = await Promise.all(Array.from({ length: connections }, () => open(url)));
  const total = streams * watchersPerStream;
  let created = 0;
  let finished = 0;
  let messages = 0;
  await new Promise<void>((resolve, reject) => {
    for (let at = 0; at < streams; at++) {
      const watches = Array.from({ length: watchersPerStream }, (): Watch => ({ expected: 0, told: 0 }));
      const stream = sessions[at % connections]!.request({
        ":method": "POST",
        ":path": "/etcdserverpb.Watch/Watch",
        "content-type": "application/grpc",
        te: "trailers",
      });
      const reader = new MessageReader(64 * 1024 * 1024);
      stream.on("data", (chunk: Buffer) => {
        const now = clockMs();
        reader.add(chunk);
        for (let message = reader.next(); message !== undefined; message = reader.next()) {
          messages++;
          const watch = take(message, watches, now, lag);
          if (watch === undefined) {
            if (++created === total) post({ type: "ready" });
          } else if (watch.told === puts && ++finished === total) {
            resolve();
          }
        }
      });
      stream.on("error", reject);
      stream.on("trailers", (trailers) => reject(new Error(`a stream ended: ${JSON.stringify(trailers)}`)));
      for (const request of requests) stream.write(framed(request));
    }
  });
  for (const session of sessions) session.destroy();
  post({ type: "done", events: lag.count, messages, quantiles: lagQuantiles.map((q) => lag.quantile(q)) });
}

function open(url: string): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(url, { settings: { initialWindowSize: windowBytes } });
    session.once("connect", () => {
      session.setLocalWindowSize(windowBytes);
      resolve(session);
    });
    session.once("error", reject);
  });
}

/** A clock that all processes of the machine share. */
export function clockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Reads fields one after the other. One for all messages: what it costs counts a million times a second. */
class FieldReader {
  #bytes: Buffer = Buffer.alloc(0);
  at = 0;

  read(bytes: Buffer): void {
    this.#bytes = bytes;
    this.at = 0;
  }

  integer(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  /** The number that begins a field of bytes; the rest of them is passed over. */
  double(): number {
    const length = this.integer();
    this.at += length;
    return this.#bytes.readDoubleLE(this.at - length);
  }

  /** Passes over a field, whose tag is read. */
  skip(tag: number): void {
    const value = this.integer();
    if ((tag & 7) === 2) this.at += value;
  }
}

const fields = new FieldReader();

/** Reads one message. Undefined when it says that the watch is created. @throws Error when it is not what must come next */
function take(message: Buffer, watches: readonly Watch[], now: number, lag: Histogram): Watch | undefined {
  let revision = 0;
  let id = 0;
  let isCreated = false;
  let events = 0;
  fields.read(message);
  while (fields.at < message.length) {
    const tag = fields.integer();
    if (tag === 0x0a) revision = takeRevision();
    else if (tag === 0x10) id = fields.integer();
    else if (tag === 0x18) isCreated = fields.integer() === 1;
    else if (tag === 0x5a) {
      takeEvent(watches[id]!, now, lag);
      events++;
    } else throw new Error(`a message with the field ${tag >> 3}`);
  }
  const watch = watches[id]!;
  if (isCreated) {
    watch.expected = revision + 1;
    return undefined;
  }
  if (events === 0) throw new Error("a message that tells nothing");
  return watch;
}

function takeRevision(): number {
  let revision = 0;
  for (const end = fields.integer() + fields.at; fields.at < end;) {
    const tag = fields.integer();
    if (tag === 0x18) revision = fields.integer();
    else fields.skip(tag);
  }
  return revision;
}

function takeEvent(watch: Watch, now: number, lag: Histogram): void {
  const eventEnd = fields.integer() + fields.at;
  if (fields.integer() !== 0x12) throw new Error("an event that is no put");
  for (const end = fields.integer() + fields.at; fields.at < end;) {
    const tag = fields.integer();
    if (tag === 0x18) {
      const revision = fields.integer();
      if (revision !== watch.expected++) throw new Error(`told ${revision} where ${watch.expected - 1} was due`);
      watch.told++;
    } else if (tag === 0x2a) lag.record(now - fields.double());
    else fields.skip(tag);
  }
  fields.at = eventEnd;
}

function post(report: ReaderReport): void {
  parentPort!.postMessage(report);
}

if (parentPort !== null) {
  read(workerData as ReaderPlan).catch((error: unknown) =>
    post({ type: "failed", message: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
}
