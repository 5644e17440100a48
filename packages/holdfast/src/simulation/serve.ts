import type { Connection, Listener, Runtime } from "../runtime/index.ts";
import { encodeMessage, isBodyless, MessageReader, type HttpMessage, type RequestHead } from "./http-message.ts";

/** What answers requests: the shape of web-standard handlers, such as the `fetch` of a Hono application. */
export type RequestHandler = (request: Request) => Response | Promise<Response>;

/**
 * Answers the requests of `simulatedFetch`. What the handler throws is answered with 500, as servers do; the request's
 * signal is aborted when its caller goes away.
 *
 * @example
 * await serve(runtime, (request) => Response.json({ path: new URL(request.url).pathname }));
 */
export function serve(
  { network }: Pick<Runtime, "network">,
  handler: RequestHandler,
  options: { readonly port?: number } = {},
): Promise<Listener> {
  const { port = 80 } = options;
  return network.listen({ host: "0.0.0.0", port }, (connection) => {
    const gone = new AbortController();
    // Held as long as the connection: the signal of a request that is collected is never aborted.
    const unanswered = new Set<Request>();
    const reader = new MessageReader<RequestHead>();
    connection.handle({
      onData(bytes) {
        reader.push(bytes, (message) => {
          const request = requestOf(message, gone.signal);
          unanswered.add(request);
          void answer(connection, request, handler).then(() => unanswered.delete(request));
        });
      },
      onClose() {
        if (unanswered.size > 0) gone.abort(new DOMException("The caller has gone", "AbortError"));
        unanswered.clear();
      },
    });
  });
}

function requestOf({ head, body }: HttpMessage<RequestHead>, signal: AbortSignal): Request {
  const { method, url } = head;
  const headers = head.headers.map(([name, value]): [string, string] => [name, value]);
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(url, { method, headers, signal, ...(hasBody ? { body } : {}) });
}

async function answer(connection: Connection, request: Request, handler: RequestHandler): Promise<void> {
  let response: Response;
  let body: Uint8Array;
  try {
    response = await handler(request);
    body = new Uint8Array(isBodyless(response.status) ? [] : await response.arrayBuffer());
  } catch (error) {
    response = new Response(null, { status: 500, statusText: "Internal Server Error" });
    body = new TextEncoder().encode(String(error));
  }
  const { status, statusText } = response;
  const head = { status, statusText, headers: [...response.headers] };
  connection.write(encodeMessage({ head, body: new Uint8Array(body) }));
  connection.end();
}
