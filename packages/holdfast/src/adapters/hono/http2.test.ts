import { once } from "node:events";
import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono, type Context } from "hono";
import { expect, it } from "vitest";
import { BusinessError } from "../../errors/index.ts";
import { bulkhead } from "../../resilience/index.ts";
import { Http2Client } from "../http-server/testing/http2-client.ts";
import { checkProblem } from "../http-server/testing/problem-check.ts";
import { Workshop } from "../http-server/testing/workshop.ts";
import { problems, shedding, type ProblemEvent } from "./index.ts";

it("hono over HTTP/2: errors and refusals are problem documents, streams that fail midway are reset", async () => {
  const workshop = new Workshop();
  const policy = bulkhead({ maxConcurrent: 1, maxQueue: 0 });
  const events: ProblemEvent<Context>[] = [];
  const answer = problems({ onError: (event) => events.push(event) });
  const app = new Hono();
  app.use(answer.watch);
  app.onError(answer);
  app.notFound(answer.notFound);
  app.use("/work", shedding(policy));
  app.get("/work", async (context) => context.text(await workshop.work(undefined)));
  app.get("/fail", () => Promise.reject(new BusinessError("hunter2", { code: "ORDER_CLOSED" })));
  app.get("/gone", async () => {
    await workshop.work(undefined);
    throw new Error("too late");
  });
  app.get("/stream", (context) => {
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("first");
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error("cut");
    };
    return context.body(ReadableStream.from(source()));
  });
  const server = serve({ fetch: app.fetch, createServer, port: 0, hostname: "127.0.0.1" }) as Http2Server;
  await once(server, "listening");
  const client = new Http2Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);

  for (const [path, status, code] of [
    ["/fail", 400, "ORDER_CLOSED"],
    ["/nowhere", 404, "NOT_FOUND"],
  ] as const) {
    const reply = await client.get(path);
    expect(checkProblem(reply.status, reply.headers, reply.body)).toMatchObject({ status, code });
    expect(reply.body).not.toContain("hunter2");
  }
  expect(await client.end("/stream")).not.toBe(0);

  const first = client.get("/work");
  await workshop.until(() => workshop.running === 1);
  const shed = await client.get("/work");
  expect(checkProblem(shed.status, shed.headers, shed.body)).toMatchObject({ status: 503, code: "BULKHEAD_FULL" });
  const gone = client.open("/gone");
  await workshop.until(() => workshop.running === 2);
  gone.close(8);
  await new Promise((resolve) => gone.once("close", resolve));
  // One more exchange on the session: the server has seen the reset before it.
  await client.get("/nowhere");
  workshop.release();
  expect((await first).body).toBe("done");
  while (events.length < 3) await new Promise((resolve) => setImmediate(resolve));
  client.close();
  server.close();
  await once(server, "close");
  expect(policy.metrics).toMatchObject({ active: 0, rejected: 1 });
  expect(events.map(({ outcome, status }) => [outcome, status])).toEqual([
    ["answered", 400],
    ["cutOff", 200],
    ["clientGone", 499],
  ]);
});
