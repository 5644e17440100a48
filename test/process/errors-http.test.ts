import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import axios from "axios";
import { builtInClassifiers, classify, type Classifier } from "holdfast/errors";
import { Agent, Client, interceptors, request as undiciRequest } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { caught, ClassifiedRows } from "../clients/classified-rows.ts";

const named = (name: string): Classifier => builtInClassifiers.find(({ system }) => system === name)!;
const http = new ClassifiedRows(named("http"));
const client = new ClassifiedRows(named("http-client"));

let url = "";
const closing: (() => unknown)[] = [];

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket.on("close", () => sockets.delete(socket))));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** `/429` answers with that status; `/hang` not at all; `/half` with half a body; `/loop` with a redirect to itself. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const [, path = ""] = (request.url ?? "").split("/");
  if (path === "hang") return;
  if (path === "half") response.writeHead(200, { "content-length": "10" }).write("12345");
  else if (path === "loop") response.writeHead(302, { location: "/loop" }).end();
  else if (path === "large") response.end("x".repeat(10_000));
  else if (path === "problem") {
    response.writeHead(422, { "content-type": "application/problem+json" });
    response.end(JSON.stringify({ type: "about:blank", title: "Out of stock", status: 422, detail: "none is left" }));
  } else if (path === "later") response.writeHead(503, { "retry-after": "7" }).end();
  else response.writeHead(Number(path)).end();
}

beforeAll(async () => {
  url = await listen(createServer(answer));
});

afterAll(async () => {
  for (const close of closing) await close();
});

describe("statuses", () => {
  it.each(Object.keys(named("http").rules))("%s", async (key) => {
    const status = key === "4xx" ? 418 : key === "5xx" ? 599 : Number(key);
    http.expectRow(await caught(() => axios.get(`${url}/${status}`)), key);
    // The fetch standard makes 407 a network error without a response.
    if (status !== 407) {
      const response = await fetch(`${url}/${status}`);
      expect(response.status).toBe(status);
      http.expectRow(response, key);
    }
    const thrown = await caught(() =>
      undiciRequest(`${url}/${status}`, {
        dispatcher: closingAgent().compose(interceptors.responseError()),
      }),
    );
    http.expectRow(thrown, key);
  });

  it("reads Retry-After", async () => {
    const thrown = await caught(() => axios.get(`${url}/later`));
    expect(classify(thrown)).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryAfterMs: 7000 });
    expect(classify(await fetch(`${url}/later`))).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryAfterMs: 7000 });
  });

  it("reads problem documents", async () => {
    const failure = classify(await caught(() => axios.get(`${url}/problem`)));
    expect(failure.message).toContain("Out of stock: none is left");
    expect(failure).toMatchObject({ kind: "business", code: "INVALID_REQUEST", context: { status: 422 } });
  });

  it("a success is none", async () => {
    expect(classify(await fetch(`${url}/204`)).code).toBe("UNCLASSIFIED");
  });
});

function closingAgent(options: Agent.Options = {}): Agent {
  const agent = new Agent(options);
  closing.push(() => agent.destroy());
  return agent;
}

describe("fetch", () => {
  it("TypeError with ECONNREFUSED inside", async () => {
    const free = createTcpServer();
    const nowhere = await listen(free);
    await new Promise((resolve) => free.close(resolve));
    const error = await caught(() => fetch(nowhere));
    expect(error).toBeInstanceOf(TypeError);
    expect(classify(error)).toMatchObject({ rule: "node ECONNREFUSED", kind: "network", effect: "none", cause: error });
  });

  it("TypeError with a lost connection inside", async () => {
    const broken = await listen(createTcpServer((socket) => socket.on("data", () => socket.end())));
    client.expectRow(await caught(() => fetch(broken)), "UND_ERR_SOCKET");
  });

  it("TypeError for an address that is none", async () => {
    expect(classify(await caught(() => fetch("no address")))).toMatchObject({ code: "DEFECT", kind: "system" });
  });

  it("signals", async () => {
    const timedOut = await caught(() => fetch(`${url}/hang`, { signal: AbortSignal.timeout(20) }));
    expect(classify(timedOut)).toMatchObject({ rule: "abort TimeoutError", kind: "timeout", retryable: true });
    const aborted = await caught(() => fetch(`${url}/hang`, { signal: AbortSignal.abort() }));
    expect(classify(aborted)).toMatchObject({ rule: "abort AbortError", code: "CANCELLED", retryable: false });
  });
});

describe("undici", () => {
  const ask = (path: string, options: Agent.Options): Promise<unknown> =>
    caught(async () => (await undiciRequest(`${url}/${path}`, { dispatcher: closingAgent(options) })).body.text());

  it("UND_ERR_HEADERS_TIMEOUT", async () => {
    const failure = client.expectRow(await ask("hang", { headersTimeout: 20 }), "UND_ERR_HEADERS_TIMEOUT");
    expect([failure.kind, failure.effect]).toEqual(["timeout", "unknown"]);
  });

  it("UND_ERR_BODY_TIMEOUT", async () => {
    client.expectRow(await ask("half", { bodyTimeout: 20 }), "UND_ERR_BODY_TIMEOUT");
  });

  it("UND_ERR_RES_EXCEEDED_MAX_SIZE", async () => {
    client.expectRow(await ask("large", { maxResponseSize: 100 }), "UND_ERR_RES_EXCEEDED_MAX_SIZE");
  });

  it("UND_ERR_HEADERS_OVERFLOW", async () => {
    const long = await listen(
      createTcpServer((socket) => {
        socket.on("error", () => {});
        socket.on("data", () => socket.write(`HTTP/1.1 200 OK\r\nlong: ${"x".repeat(40_000)}\r\n\r\n`));
      }),
    );
    const error = await caught(() => undiciRequest(long, { dispatcher: closingAgent({ maxHeaderSize: 1000 }) }));
    client.expectRow(error, "UND_ERR_HEADERS_OVERFLOW");
  });

  it("UND_ERR_CONNECT_TIMEOUT", async () => {
    const never = new Agent({ connect: { timeout: 30 } });
    closing.push(() => never.destroy());
    const full = await listen(createTcpServer());
    // TLS to a server that says nothing: the connection is never made.
    const error = await caught(() => undiciRequest(full.replace("http:", "https:"), { dispatcher: never }));
    client.expectRow(error, "UND_ERR_CONNECT_TIMEOUT");
  });

  it("UND_ERR_ABORTED", async () => {
    const agent = closingAgent();
    const error = await caught(async () => {
      const { body } = await undiciRequest(`${url}/half`, { dispatcher: agent });
      const read = body.text();
      body.destroy();
      await read;
    });
    client.expectRow(error, "UND_ERR_ABORTED");
  });

  it("UND_ERR_CLOSED, UND_ERR_DESTROYED, UND_ERR_INVALID_ARG", async () => {
    const busy = new Client(url);
    const pending = caught(() => busy.request({ path: "/hang", method: "GET" }));
    const closed = busy.close();
    client.expectRow(await caught(() => busy.request({ path: "/200", method: "GET" })), "UND_ERR_CLOSED");
    await busy.destroy();
    client.expectRow(await pending, "UND_ERR_DESTROYED");
    await closed;
    client.expectRow(await caught(() => undiciRequest("ftp://nowhere")), "UND_ERR_INVALID_ARG");
  });

  it("UND_ERR_REQ_CONTENT_LENGTH_MISMATCH", async () => {
    const error = await caught(() =>
      undiciRequest(`${url}/200`, {
        method: "POST",
        headers: { "content-length": "3" },
        body: "12345",
        dispatcher: closingAgent(),
      }),
    );
    client.expectRow(error, "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH");
  });

  it("UND_ERR_SOCKET of a body that ends too early", async () => {
    const short = await listen(
      createTcpServer((socket) => {
        socket.on("error", () => {});
        socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345"));
      }),
    );
    const error = await caught(async () => (await undiciRequest(short, { dispatcher: closingAgent() })).body.text());
    client.expectRow(error, "UND_ERR_SOCKET");
  });

  it("UND_ERR_RES_CONTENT_LENGTH_MISMATCH", async () => {
    const twofold = "content-length: 10\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n";
    const unsure = await listen(
      createTcpServer((socket) => {
        socket.on("error", () => {});
        socket.on("data", () => socket.write(`HTTP/1.1 200 OK\r\n${twofold}`));
      }),
    );
    const error = await caught(async () => (await undiciRequest(unsure, { dispatcher: closingAgent() })).body.text());
    client.expectRow(error, "UND_ERR_RES_CONTENT_LENGTH_MISMATCH");
  });

  it("UND_ERR_ABORT of a body that is too long to be read and thrown away", async () => {
    const { body } = await undiciRequest(`${url}/large`, { dispatcher: closingAgent() });
    const failing = once(body, "error");
    await body.dump({ limit: 100 });
    const [error] = (await failing) as unknown[];
    client.expectRow(error, "UND_ERR_ABORT");
  });

  it("UND_ERR_INFO of a server of HTTP/2 that ends a stream without an answer", async () => {
    const server = createHttp2Server();
    server.on("stream", (stream) => stream.on("error", () => {}).close());
    const address = await listen(server);
    const agent = new Client(address, { allowH2: true, h2Options: { useH2c: true } });
    closing.push(() => agent.destroy());
    client.expectRow(await caught(() => agent.request({ path: "/", method: "GET" })), "UND_ERR_INFO");
  });

  it("UND_ERR_NOT_SUPPORTED", async () => {
    const error = await caught(() =>
      undiciRequest(`${url}/200`, { headers: { expect: "100-continue" }, dispatcher: closingAgent() }),
    );
    client.expectRow(error, "UND_ERR_NOT_SUPPORTED");
  });
});

it("HTTPParserError of undici and of fetch", async () => {
  const garbage = await listen(createTcpServer((socket) => socket.on("data", () => socket.end("NONSENSE\r\n\r\n"))));
  client.expectRow(await caught(() => undiciRequest(garbage)), "HTTPParserError");
  client.expectRow(await caught(() => fetch(garbage)), "HTTPParserError");
});

describe("axios", () => {
  it("ERR_BAD_RESPONSE of a body that is cut short", async () => {
    const head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
    const cut = await listen(createTcpServer((socket) => socket.on("data", () => socket.end(head))));
    client.expectRow(await caught(() => axios.get(cut)), "ERR_BAD_RESPONSE aborted");
  });

  it("its timeout", async () => {
    const error = await caught(() => axios.get(`${url}/hang`, { timeout: 20 }));
    const failure = client.expectRow(error, "ECONNABORTED timeout");
    expect(failure).toMatchObject({ kind: "timeout", timeoutMs: 20 });
  });

  it("its timeout under the clearer code", async () => {
    const error = await caught(() =>
      axios.get(`${url}/hang`, { timeout: 20, transitional: { clarifyTimeoutError: true } }),
    );
    client.expectRow(error, "ETIMEDOUT timeout");
  });

  it("ERR_CANCELED", async () => {
    const error = await caught(() => axios.get(`${url}/hang`, { signal: AbortSignal.abort() }));
    client.expectRow(error, "ERR_CANCELED");
  });

  it("ERR_FR_TOO_MANY_REDIRECTS", async () => {
    const error = await caught(() => axios.get(`${url}/loop`, { maxRedirects: 2 }));
    client.expectRow(error, "ERR_FR_TOO_MANY_REDIRECTS");
  });

  it("ERR_BAD_OPTION_VALUE", async () => {
    const error = await caught(() => axios.get(url, { transitional: { silentJSONParsing: 7 as never } }));
    client.expectRow(error, "ERR_BAD_OPTION_VALUE");
  });

  it("what the system said, under its own code", async () => {
    const reset = await listen(createTcpServer((socket) => socket.on("data", () => socket.resetAndDestroy())));
    const failure = classify(await caught(() => axios.get(reset)));
    expect(failure).toMatchObject({ rule: "node ECONNRESET", code: "CONNECTION_LOST" });
  });
});

it("a client of the server sees what it sent", async () => {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.end("GET /204 HTTP/1.0\r\n\r\n");
  const [data] = (await once(socket, "data")) as Buffer[];
  expect(String(data)).toContain("204");
});

it("every row of both tables was provoked, or is listed as one that cannot be", () => {
  http.expectAll();
  client.expectAll();
});
