import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { createLogger, httpSink } from "../../telemetry/index.ts";

/** A log server that takes what it is told to take. */
async function logServer(port = 0, statuses: number[] = []) {
  const got: { readonly message: string; readonly fields?: Record<string, number> }[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const status = statuses.shift() ?? 204;
    if (status < 300) {
      for (const line of body.trim().split("\n")) got.push(JSON.parse(line) as (typeof got)[number]);
    }
    response.writeHead(status).end();
  };
  const server: Server = createServer((request, response) => void answer(request, response)).listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: own } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await once(server.close(), "close");
  };
  return { got, port: own, close };
}

it("sends lines to a real server, that is away for a while", async () => {
  const first = await logServer(0, [429, 500]);
  const url = `http://127.0.0.1:${first.port}/ingest`;
  const sink = httpSink({
    url,
    fetch,
    delayMs: 5,
    maxBuffered: 100,
    retryMs: { least: 5, most: 20 },
    timeoutMs: 2_000,
  });
  const logger = createLogger({ service: "s", sinks: [sink] });
  logger.info("before", { password: "x" });
  await logger.flush();
  expect(first.got).toMatchObject([{ message: "before", fields: { password: "[redacted]" } }]);
  expect(sink.metrics.failures).toBe(2);
  await first.close();
  for (let at = 0; at < 130; at++) logger.info(`line ${at}`);
  while (sink.metrics.failures < 5) await new Promise((resolve) => setImmediate(resolve));
  const second = await logServer(first.port);
  await logger.flush();
  logger.info("after");
  await logger.close();
  const told = second.got.reduce((sum, { fields }) => sum + (fields?.["dropped"] ?? 0), 0);
  expect(told).toBe(sink.metrics.dropped);
  expect([sink.metrics.dropped, sink.metrics.sent]).toEqual([30, 102]);
  expect(second.got.filter(({ message }) => /^line|^after/.test(message)).length).toBe(101);
  await second.close();
});

it.each([
  [{ url: "ftp://x" }, "httpSink.url must be an http or https URL"],
  [{ url: "http://x", fetch: 1 }, "httpSink.fetch must be a function"],
  [{ url: "http://x", fetch, format: "xml" }, "httpSink.format must be"],
])("refuses %j", (options, message) => {
  expect(() => httpSink(options as never)).toThrow(message);
});
