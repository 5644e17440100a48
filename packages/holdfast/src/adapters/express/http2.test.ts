import { once } from "node:events";
import { createServer, type Http2Server, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import type { NextFunction, Request, Response } from "express";
import { expect, it } from "vitest";
import { BusinessError } from "../../errors/index.ts";
import { bulkhead } from "../../resilience/index.ts";
import { Http2Client } from "../http-server/testing/http2-client.ts";
import { checkProblem } from "../http-server/testing/problem-check.ts";
import { Workshop } from "../http-server/testing/workshop.ts";
import { problems, shedding, type ProblemEvent } from "./index.ts";

type Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => Promise<void>;

/** Express itself does not run on HTTP/2; what calls middleware as it does may. */
async function listen(
  handler: Handler,
  policy: ReturnType<typeof bulkhead>,
  events: ProblemEvent<Request>[],
): Promise<{ readonly server: Http2Server; readonly url: string }> {
  const shed = shedding(policy);
  const answer = problems({ onError: (event) => events.push(event) });
  const server = createServer((request, response) => {
    const [asked, answered] = [request, response] as unknown as [Request, Response];
    Object.assign(asked, { originalUrl: request.url });
    const next: NextFunction = (error?: unknown) => {
      if (error === undefined) void run();
      else void answer(error, asked, answered, () => {});
    };
    const run = async (): Promise<void> => {
      try {
        await handler(request, response);
      } catch (error) {
        next(error);
      }
    };
    void shed(asked, answered, next);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

it("middleware over HTTP/2: sheds with the document, and answers errors; streams that have begun are reset", async () => {
  const workshop = new Workshop();
  const policy = bulkhead({ maxConcurrent: 1, maxQueue: 0, onEvent: workshop.poke });
  const events: ProblemEvent<Request>[] = [];
  const { server, url } = await listen(
    async (request, response) => {
      if (request.url === "/fail") throw new BusinessError("hunter2", { code: "ORDER_CLOSED" });
      if (request.url === "/stream") {
        response.write("first");
        throw new Error("cut");
      }
      response.end(await workshop.work(undefined));
    },
    policy,
    events,
  );
  const client = new Http2Client(url);

  const failed = await client.get("/fail");
  expect(checkProblem(failed.status, failed.headers, failed.body)).toMatchObject({ status: 400, code: "ORDER_CLOSED" });
  expect(failed.body).not.toContain("hunter2");
  expect(await client.end("/stream")).not.toBe(0);

  const first = client.get("/work");
  await workshop.until(() => workshop.running === 1);
  const shed = await client.get("/work", { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` });
  expect(checkProblem(shed.status, shed.headers, shed.body)).toMatchObject({
    status: 503,
    code: "BULKHEAD_FULL",
    traceId: "a".repeat(32),
  });
  expect(shed.headers["retry-after"]).toBe("1");
  workshop.release();
  expect((await first).body).toBe("done");
  client.close();
  server.close();
  await once(server, "close");
  expect(policy.metrics).toMatchObject({ active: 0, rejected: 1 });
  expect(events.map(({ outcome, status }) => [outcome, status])).toEqual([
    ["answered", 400],
    ["cutOff", 200],
  ]);
});

it("middleware over HTTP/2: a client that resets its stream gives the permit back, and is nobody's failure", async () => {
  const workshop = new Workshop();
  const policy = bulkhead({ maxConcurrent: 1, onEvent: workshop.poke });
  const events: ProblemEvent<Request>[] = [];
  const { server, url } = await listen(
    async () => {
      await workshop.work(undefined);
      throw new Error("too late");
    },
    policy,
    events,
  );
  const client = new Http2Client(url);
  const stream = client.open("/work");
  await workshop.until(() => workshop.running === 1);
  const second = client.open("/work");
  await workshop.until(() => policy.metrics.waiting === 1);
  stream.close(8);
  await workshop.until(() => workshop.started === 2);
  second.close(8);
  while (policy.metrics.active > 0) await new Promise((resolve) => setImmediate(resolve));
  workshop.release();
  while (events.length < 2) await new Promise((resolve) => setImmediate(resolve));
  client.close();
  server.close();
  await once(server, "close");
  expect(events.map(({ outcome }) => outcome)).toEqual(["clientGone", "clientGone"]);
});
