import type { IncomingMessage } from "node:http";

/** Read beyond the limit and thrown away, so that a client that is still sending gets to read the refusal. */
const drainBytes = 8 * 1024 * 1024;

/** The whole body; undefined when it is too large, or the client went away before its end. */
export function readBody(message: IncomingMessage, maxBytes: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    message.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) chunks.push(chunk);
      else chunks.length = 0;
      if (length > maxBytes + drainBytes) resolve(undefined);
    });
    message.on("end", () => resolve(length > maxBytes ? undefined : Buffer.concat(chunks)));
    message.on("error", () => resolve(undefined));
    message.on("close", () => resolve(undefined));
  });
}
