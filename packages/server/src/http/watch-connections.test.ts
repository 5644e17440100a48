import { createServer, type Server } from "node:http";
import { connect, createServer as createNetServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { watchConnections } from "./watch-connections.ts";

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const timeouts = { headersTimeout: 150, requestTimeout: 150, connectionsCheckingInterval: 50 };

/** A client of a server that is handed its connections. */
async function clientOf(http: Server): Promise<Socket> {
  const port = createNetServer({ allowHalfOpen: true }, (socket) => void http.emit("connection", socket));
  await new Promise<void>((resolve) => void port.listen(0, "127.0.0.1", resolve));
  const client = connect((port.address() as AddressInfo).port, "127.0.0.1");
  closing.push(() => {
    client.destroy();
    port.close();
    http.close();
  });
  return client;
}

const gone = (client: Socket): Promise<string> =>
  new Promise((resolve) => {
    let text = "";
    client.setEncoding("utf8").on("data", (part: string) => (text += part));
    client.on("close", () => resolve(text));
  });

describe("a server that is handed its connections", () => {
  it.each([
    ["the head", "GET / HTTP/1.1\r\nHost: here\r\nX-Slow: "],
    ["the body", "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n{"],
  ])("gives up a client that never ends %s", async (_what, beginning) => {
    const http = watchConnections(createServer(timeouts, (request) => void request.resume()));
    const client = await clientOf(http);
    client.write(beginning);
    expect(await gone(client)).toMatch(/^HTTP\/1\.1 408 /);
  });

  it("closes idle connections when it closes", async () => {
    const http = watchConnections(createServer((_request, response) => void response.end("here")));
    const client = await clientOf(http);
    const closed = gone(client);
    client.write("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
    client.on("data", () => setImmediate(() => http.close()));
    expect(await closed).toContain("here");
  });
});
