import { once } from "node:events";
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import { text } from "node:stream/consumers";

export interface Http2Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One session, without TLS, as servers speak it among themselves. */
export class Http2Client {
  readonly #session: ClientHttp2Session;

  constructor(url: string) {
    this.#session = connect(url);
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Http2Reply> {
    const stream = this.#session.request({ ...headers, ":path": path });
    const [{ ":status": status = 0, ...rest }] = (await once(stream, "response")) as [
      IncomingHttpHeaders & { ":status"?: number },
    ];
    return { status, headers: rest, body: await text(stream) };
  }

  /** A stream whose client may go before it ends. */
  open(path: string): ClientHttp2Stream {
    const stream = this.#session.request({ ":path": path });
    stream.on("error", () => {}).resume();
    return stream;
  }

  /** How a stream ended: 0 for well, else the code it was reset with. */
  async end(path: string): Promise<number> {
    const stream = this.open(path);
    await new Promise((resolve) => stream.once("close", resolve));
    return stream.rstCode ?? 0;
  }

  close(): void {
    this.#session.close();
  }
}
