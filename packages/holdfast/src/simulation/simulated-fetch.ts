import { InvalidArgumentError } from "../errors/base.ts";
import { platformError, type Clock, type Connection, type Runtime } from "../runtime/index.ts";
import {
  encodeMessage,
  isBodyless,
  MessageReader,
  type HttpMessage,
  type RequestHead,
  type ResponseHead,
} from "./http-message.ts";

/** The part of `fetch` that code under simulation may use. */
export type SimulatedFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * `fetch` between simulated processes: the platform's requests and responses, over a simulated stream of their own to
 * what `serve` offers. Fails as `fetch` does, with a TypeError whose `cause` has Node's code, or with the signal's reason.
 *
 * Bodies are sent whole, and redirects, cookies and caches are left out. Signals must come from the runtime's clock:
 * those of `AbortSignal.timeout` know real time alone; `abortAfter` makes one.
 *
 * @throws InvalidArgumentError for bodies that the platform reads on real time: a Blob, a form with files
 * @example
 * const fetch = simulatedFetch(runtime);
 * const response = await fetch("http://bank/charges", { method: "POST", body: JSON.stringify({ cents: 500 }) });
 */
export function simulatedFetch(runtime: Pick<Runtime, "network" | "clock">): SimulatedFetch {
  return async (input, init = {}) => {
    // The caller's own: a request's follows it only for as long as nothing collects the request.
    const signal = init.signal ?? (input instanceof Request ? input.signal : new AbortController().signal);
    signal.throwIfAborted();
    if (isReadOutside(init.body)) {
      throw new InvalidArgumentError("simulatedFetch.body", "must not be a Blob, nor a form with files", init.body);
    }
    const request = new Request(input, init);
    const url = new URL(request.url);
    const body = new Uint8Array(request.body === null ? [] : await request.arrayBuffer());
    signal.throwIfAborted();
    const head = { method: request.method, url: request.url, headers: [...request.headers] };
    const address = { host: url.hostname, port: Number(url.port || 80) };
    let connection: Connection;
    try {
      connection = await runtime.network.connect(address, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw new TypeError("fetch failed", { cause: error });
    }
    const { head: answer, body: content } = await exchange(runtime.clock, connection, { head, body }, signal);
    const { status, statusText, headers } = answer;
    const response = new Response(isBodyless(status) ? null : content, {
      status,
      statusText,
      headers: headers.map(([name, value]) => [name, value]),
    });
    Object.defineProperty(response, "url", { value: request.url });
    return response;
  };
}

/** As long as Node's `fetch` waits for an answer: a machine that lost its power sends nothing, not even a reset. */
const patienceMs = 300_000;

/** Whether the platform reads it on real time, for which no simulation waits. */
function isReadOutside(body: unknown): boolean {
  if (body instanceof FormData) return [...body.values()].some((value) => typeof value !== "string");
  return body instanceof Blob;
}

function exchange(
  clock: Clock,
  connection: Connection,
  message: HttpMessage<RequestHead>,
  signal: AbortSignal,
): Promise<HttpMessage<ResponseHead>> {
  return new Promise((resolve, reject) => {
    const reader = new MessageReader<ResponseHead>();
    const { host } = connection.remote;
    let isAnswered = false;
    const fail = (cause: unknown): void => reject(new TypeError("fetch failed", { cause }));
    const abort = (): void => {
      connection.destroy();
      reject(signal.reason);
    };
    const patience = clock.setTimer(patienceMs, () => {
      connection.destroy();
      fail(platformError("ETIMEDOUT", "read", host));
    });
    connection.handle({
      onData: (bytes) =>
        reader.push(bytes, (answer) => {
          isAnswered = true;
          connection.end();
          resolve(answer);
        }),
      onClose(error) {
        signal.removeEventListener("abort", abort);
        patience.cancel();
        if (!isAnswered) fail(error ?? platformError("ECONNRESET", "read", host, "other side closed"));
      },
    });
    connection.write(encodeMessage(message));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
