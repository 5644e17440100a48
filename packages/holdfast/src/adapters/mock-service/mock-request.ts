import type { IncomingHttpHeaders } from "node:http";

/** A request as a handler gets it. */
export interface MockRequest {
  readonly method: string;
  /** As it came, without the query. */
  readonly path: string;
  /** What stands in place of the path's parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly json: unknown;
  /** Aborts when the client goes away or the service closes. */
  readonly signal: AbortSignal;
}

/** Reads the body only when somebody asks. */
export class ReceivedRequest implements MockRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly signal: AbortSignal;
  params: Readonly<Record<string, string>> = {};
  body: Uint8Array = new Uint8Array();
  #json: { readonly value: unknown } | undefined;

  constructor(method: string, target: string, headers: IncomingHttpHeaders, signal: AbortSignal) {
    // A proxy's clients name the host too.
    const local = target.replace(/^https?:\/\/[^/?#]*/i, "");
    const mark = local.indexOf("?");
    this.method = method;
    this.path = (mark < 0 ? local : local.slice(0, mark)) || "/";
    this.query = new URLSearchParams(mark < 0 ? "" : local.slice(mark + 1));
    this.headers = headers;
    this.signal = signal;
  }

  get text(): string {
    return new TextDecoder().decode(this.body);
  }

  get json(): unknown {
    if (this.#json === undefined) {
      let value: unknown;
      try {
        value = JSON.parse(this.text);
      } catch {
        value = undefined;
      }
      this.#json = { value };
    }
    return this.#json.value;
  }

  /** All values of a header, by its name in lower case. */
  header(name: string): readonly string[] {
    const value = this.headers[name];
    return value === undefined ? [] : typeof value === "string" ? [value] : value;
  }
}
