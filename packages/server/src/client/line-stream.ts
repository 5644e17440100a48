import type { IncomingMessage } from "node:http";
import type { Connections } from "./connections.ts";

export interface LineStreamRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Without a byte for so long, it is given up. Default: never. */
  readonly silenceMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The body of an answer that was none of 200. */
export class StreamRefusedError extends Error {
  readonly status: number;
  readonly body: string;

  constructor(status: number, body: string) {
    super(`status ${status}`);
    this.status = status;
    this.body = body;
  }
}

const maxRefusalBytes = 65_536;

/** Posts, and tells each line of the answer, the next one when the last has been taken. @throws StreamRefusedError, Error */
export async function* lineStream(connections: Connections, request: LineStreamRequest): AsyncGenerator<string> {
  const { url, headers, body, silenceMs = 0, signal } = request;
  const outgoing = connections.request(url, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) },
    ...(signal === undefined ? {} : { signal }),
  });
  let response: IncomingMessage | undefined;
  // An answer that has begun must hear itself why it is over.
  outgoing.setTimeout(silenceMs, () => (response ?? outgoing).destroy(new Error(`nothing came for ${silenceMs} ms`)));
  try {
    response = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once("response", resolve).once("error", reject);
      outgoing.end(body);
    });
    response.setEncoding("utf8");
    let left = "";
    for await (const text of response as AsyncIterable<string>) {
      left += text;
      if (response.statusCode !== 200) {
        if (left.length > maxRefusalBytes) break;
        continue;
      }
      const lines = left.split("\n");
      left = lines.pop() ?? "";
      yield* lines;
    }
    if (response.statusCode !== 200) throw new StreamRefusedError(response.statusCode ?? 0, left);
    if (left !== "") yield left;
  } finally {
    outgoing.destroy();
  }
}
