import type { Clock, Connection, Random, Runtime } from "holdfast/runtime";

/** A request is its number; an answer is the number and how it went. */
const requestBytes = 4;
const answerBytes = 5;
const port = 80;

const workers = 2;
const queueLimit = 60;
const meanWorkMs = 90;

/** What a test may see of a server, or do to it. */
export interface ServerState {
  queued: number;
  /** What it has leaked, as a share of what it may; at 1 it dies. */
  leaked: number;
}

/** A server with two workers and a bounded queue, which syncs a file for every request. */
export async function serve(
  { clock, random, network, disk }: Runtime,
  host: string,
  state: ServerState,
): Promise<void> {
  await disk.makeDirectory("data");
  const file = await disk.open("data/log", { create: true });
  const queue: { readonly connection: Connection; readonly number: number }[] = [];
  let busy = 0;

  async function work(): Promise<void> {
    busy++;
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      state.queued = queue.length;
      await clock.sleep(-meanWorkMs * Math.log(1 - random.next()));
      await file.write(0, [new Uint8Array(requestBytes)]);
      await file.sync();
      answer(job.connection, job.number, 0);
    }
    busy--;
  }

  await network.listen({ host, port }, (connection) => {
    const read = numbers(requestBytes, (view) => {
      const number = view.getUint32(0);
      if (queue.length >= queueLimit) return answer(connection, number, 1);
      queue.push({ connection, number });
      state.queued = queue.length;
      if (busy < workers) void work();
    });
    connection.handle({ onData: read, onClose: () => undefined });
  });
}

function answer(connection: Connection, number: number, status: number): void {
  const bytes = new Uint8Array(answerBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, number);
  view.setUint8(4, status);
  connection.write(bytes);
}

/** Cuts a stream into pieces of one length. */
function numbers(length: number, onPiece: (view: DataView) => void): (bytes: Uint8Array) => void {
  let rest = new Uint8Array(0);
  return (bytes) => {
    const all = new Uint8Array(rest.length + bytes.length);
    all.set(rest);
    all.set(bytes, rest.length);
    let at = 0;
    for (; at + length <= all.length; at += length) onPiece(new DataView(all.buffer, at, length));
    rest = all.slice(at);
  };
}

/** A refusal by a server whose queue is full. */
class QueueFullError extends Error {
  readonly code = "EAGAIN";
}

/** The client's line to one server: connects when there is something to send. */
export class Line {
  readonly #runtime: Runtime;
  readonly #host: string;
  readonly #waiting = new Map<number, { readonly resolve: () => void; readonly reject: (error: Error) => void }>();
  #connection: Promise<Connection> | undefined;
  #number = 0;

  constructor(runtime: Runtime, host: string) {
    this.#runtime = runtime;
    this.#host = host;
  }

  async call(signal: AbortSignal): Promise<void> {
    this.#connection ??= this.#connect();
    const connection = await this.#connection;
    signal.throwIfAborted();
    const number = ++this.#number;
    const answered = new Promise<void>((resolve, reject) => this.#waiting.set(number, { resolve, reject }));
    signal.addEventListener("abort", () => this.#waiting.delete(number), { once: true });
    const bytes = new Uint8Array(requestBytes);
    new DataView(bytes.buffer).setUint32(0, number);
    connection.write(bytes);
    return answered;
  }

  async #connect(): Promise<Connection> {
    const lost = (error: Error | undefined): void => {
      this.#connection = undefined;
      const reset = error ?? Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" });
      for (const { reject } of this.#waiting.values()) reject(reset);
      this.#waiting.clear();
    };
    try {
      const connection = await this.#runtime.network.connect({ host: this.#host, port }, { timeoutMs: 2_000 });
      const read = numbers(answerBytes, (view) => {
        const waiter = this.#waiting.get(view.getUint32(0));
        this.#waiting.delete(view.getUint32(0));
        if (view.getUint8(4) === 0) waiter?.resolve();
        else waiter?.reject(new QueueFullError("the queue is full"));
      });
      connection.handle({ onData: read, onClose: lost });
      return connection;
    } catch (error) {
      this.#connection = undefined;
      throw error;
    }
  }
}

/** Waits for the next of what comes by chance, so often a second. */
export function nextArrival(clock: Clock, random: Random, perSecond: number): Promise<void> {
  return clock.sleep((-1000 / perSecond) * Math.log(1 - random.next()));
}
