import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { openConnections } from "./connections.ts";
import { gatewayClient } from "./gateway-client.ts";
import { lineStream } from "./line-stream.ts";

const undo: (() => unknown)[] = [];
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step();
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => answer(request, response));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  undo.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function linesOf(url: string, silenceMs = 5_000): Promise<readonly string[]> {
  const connections = openConnections();
  undo.push(() => connections.close());
  const lines: string[] = [];
  for await (const line of lineStream(connections, { url, headers: {}, body: "{}", silenceMs })) lines.push(line);
  return lines;
}

describe("a stream of lines", () => {
  it("comes line by line, however it was cut, and with or without an end to the last", async () => {
    const url = await serve((_, response) => {
      response.write("on");
      setImmediate(() => {
        response.write("e\ntwo\nthr");
        setImmediate(() => response.end("ee"));
      });
    });
    expect(await linesOf(url)).toEqual(["one", "two", "three"]);
  });

  it("says what it was refused with", async () => {
    const url = await serve((_, response) => void response.writeHead(503).end('{"message":"no"}'));
    await expect(linesOf(url)).rejects.toMatchObject({ status: 503, body: '{"message":"no"}' });
  });

  it("is given up when nothing comes", async () => {
    const url = await serve((_, response) => void response.write("one\n"));
    await expect(linesOf(url, 50)).rejects.toThrow("nothing came for 50 ms");
  });

  it("fails when it breaks off", async () => {
    const url = await serve((_, response) => {
      response.write("one\n", () => response.destroy());
    });
    await expect(linesOf(url)).rejects.toMatchObject({ code: "ECONNRESET" });
  });
});

describe("a stream through the gateway client", () => {
  async function take(endpoints: readonly string[]): Promise<readonly unknown[]> {
    const client = gatewayClient({ endpoints });
    undo.push(() => client.close());
    const messages: unknown[] = [];
    for await (const message of client.stream("/maintenance/snapshot", {})) messages.push(message);
    return messages;
  }

  it("comes from the first endpoint that answers", async () => {
    const url = await serve((request, response) => void response.end(`{"result":{"path":"${request.url}"}}\n`));
    const messages = await take(["http://127.0.0.1:1", url]);
    expect(messages).toEqual([{ path: "/v3/maintenance/snapshot" }]);
    await expect(take(["http://127.0.0.1:1"])).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("ends with the error that its last line tells of, or that refuses it", async () => {
    const error = '{"message":"etcdserver: server stopped","http_code":503}';
    const late = await serve((_, response) => void response.end(`{"result":{}}\n{"error":${error}}\n`));
    await expect(take([late])).rejects.toMatchObject({ code: "STOPPED" });
    const early = await serve(
      (_, response) => void response.writeHead(403).end('{"message":"etcdserver: permission denied"}'),
    );
    await expect(take([early])).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  });
});
