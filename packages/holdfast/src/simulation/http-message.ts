import { encodeFrame, FrameDecoder } from "../wire/index.ts";

/** What goes over a simulated stream: a head in JSON, and a body. */
export interface HttpMessage<Head> {
  readonly head: Head;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
}

export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** Both in one array, which leaves as one segment. */
export function encodeMessage<Head>({ head, body }: HttpMessage<Head>): Uint8Array {
  const parts = [encodeFrame(new TextEncoder().encode(JSON.stringify(head))), encodeFrame(body)];
  const bytes = new Uint8Array(parts[0]!.length + parts[1]!.length);
  bytes.set(parts[0]!);
  bytes.set(parts[1]!, parts[0]!.length);
  return bytes;
}

/** Puts messages together from what arrives, wherever it is cut. */
export class MessageReader<Head> {
  readonly #decoder = new FrameDecoder();
  #head: Head | undefined;

  push(bytes: Uint8Array, onMessage: (message: HttpMessage<Head>) => void): void {
    this.#decoder.push(bytes, (payload) => {
      if (this.#head === undefined) {
        this.#head = JSON.parse(new TextDecoder().decode(payload)) as Head;
        return;
      }
      const head = this.#head;
      this.#head = undefined;
      onMessage({ head, body: new Uint8Array(payload) });
    });
  }
}

/** The platform refuses a body, even an empty one, with these. */
export function isBodyless(status: number): boolean {
  return [101, 103, 204, 205, 304].includes(status);
}
