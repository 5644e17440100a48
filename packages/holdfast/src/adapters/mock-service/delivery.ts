import type { ServerResponse } from "node:http";
import type { Clock } from "../../runtime/index.ts";
import type { ActiveFault } from "./active-fault.ts";
import type { ReadyAnswer } from "./mock-answer.ts";
import { pause } from "./pause.ts";

export interface DeliveryOptions {
  readonly response: ServerResponse;
  readonly clock: Clock;
  /** Aborts when there is nobody left to send to. */
  readonly gone: AbortSignal;
  /** The service itself breaks the connection: told right before. */
  readonly onCut: () => void;
}

/** Pieces come this often, as far as they are not smaller than a byte. */
const paceMs = 50;

/** Sends one answer, whole or broken. */
export class Delivery {
  readonly #options: DeliveryOptions;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  async send(answer: ReadyAnswer, given?: ActiveFault, pace?: ActiveFault): Promise<void> {
    const { response } = this.#options;
    const { body, status } = answer;
    const hasBody = response.req.method !== "HEAD" && status !== 204 && status !== 304;
    const part = given === undefined ? undefined : partOf(given, hasBody ? body.length : undefined);
    const breakOff = part === undefined ? undefined : given;
    if (breakOff === undefined) given?.release();
    const isChunked = breakOff?.kind === "truncatedChunks";
    const length = status === 204 || isChunked ? {} : { "content-length": String(body.length) };
    response.writeHead(status, { ...(answer.headers as Record<string, string | string[]>), ...length });
    const sent = hasBody ? body.subarray(0, part) : body.subarray(0, 0);
    if (pace !== undefined && sent.length === 0) pace.release();
    if (breakOff === undefined && (pace === undefined || sent.length === 0)) {
      response.end(hasBody ? body : undefined);
      return;
    }
    response.flushHeaders();
    if (pace === undefined) await this.#write(sent);
    else await this.#writeSlowly(sent, pace);
    if (this.#options.gone.aborted) {
      breakOff?.release();
    } else if (breakOff === undefined) response.end();
    else {
      breakOff.strike();
      await this.#breakOff(breakOff.kind === "reset");
    }
  }

  /** Nothing is sent: the connection is reset, or just ends. */
  async refuse(fault: ActiveFault): Promise<void> {
    fault.strike();
    await this.#breakOff(fault.kind === "reset");
  }

  /** Bytes that no client takes for HTTP, then the end. */
  async sendGarbage(fault: ActiveFault): Promise<void> {
    fault.strike();
    const bytes = fault.random.bytes(fault.number("bytes") ?? 0).map((byte) => byte | 0x80);
    const { socket } = this.#options.response.req;
    await this.#flush((done) => void socket.write(bytes, done));
    await this.#breakOff(false);
  }

  async #breakOff(isReset: boolean): Promise<void> {
    const { response, onCut } = this.#options;
    // The response itself has none as long as one before it on the same connection goes on.
    const { socket } = response.req;
    if (socket.destroyed) return;
    // What was written is with the system before the connection breaks.
    await this.#flush((done) => void socket.write("", done));
    onCut();
    if (isReset) socket.resetAndDestroy();
    else socket.destroySoon();
  }

  async #writeSlowly(bytes: Uint8Array, pace: ActiveFault): Promise<void> {
    const { clock, gone } = this.#options;
    const perSecond = pace.number("bytesPerSecond") ?? Infinity;
    const piece = Math.max(1, Math.floor((perSecond * paceMs) / 1_000));
    pace.strike();
    for (let at = 0; at < bytes.length && !gone.aborted; at += piece) {
      if (pace.ended.aborted) {
        await this.#write(bytes.subarray(at));
        return;
      }
      await this.#write(bytes.subarray(at, at + piece));
      await pause(clock, (piece / perSecond) * 1_000, [gone, pace.ended]);
    }
  }

  #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return Promise.resolve();
    return this.#flush((done) => void this.#options.response.write(bytes, done));
  }

  /** Resolves when it has left, or nobody is there to take it. */
  #flush(write: (done: () => void) => void): Promise<void> {
    const { gone } = this.#options;
    return new Promise((resolve) => {
      if (gone.aborted) {
        resolve();
        return;
      }
      const done = (): void => {
        gone.removeEventListener("abort", done);
        resolve();
      };
      gone.addEventListener("abort", done, { once: true });
      write(done);
    });
  }
}

/** How much of a body gets through; undefined where that would be all of it. Without a body, only headers can come first. */
function partOf(fault: ActiveFault, length: number | undefined): number | undefined {
  if (fault.parameters["when"] === "afterHeaders") return 0;
  if (length === undefined) return undefined;
  const bytes = fault.number("bytes") ?? Math.floor(length / 2);
  if (fault.kind === "truncatedChunks") return Math.min(bytes, length);
  return bytes < length ? bytes : undefined;
}
