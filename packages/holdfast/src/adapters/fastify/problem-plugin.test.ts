import { once } from "node:events";
import { connect, type Http2Server, type IncomingHttpHeaders } from "node:http2";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import fastify, { type FastifyInstance, type FastifyRequest, type RouteGenericInterface } from "fastify";
import { expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { get, send } from "../http-server/testing/plain-client.ts";
import { checkProblem } from "../http-server/testing/problem-check.ts";
import { problemSuite, workload } from "../http-server/testing/problem-suite.ts";
import type { TestServer } from "../http-server/testing/shedding-suite.ts";
import { problemPlugin, type ProblemEvent } from "./index.ts";

async function listen(app: FastifyInstance): Promise<TestServer> {
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  return { url, close: () => app.close() };
}

problemSuite<FastifyRequest>("fastify", {
  clock: () => new VirtualClock(),
  async start(options, stage) {
    const app = fastify();
    await app.register(problemPlugin, options);
    const work = async (): Promise<never> => {
      await stage.workshop.work(undefined);
      throw stage.error;
    };
    app.get("/throw", () => {
      throw stage.error;
    });
    app.get("/reject", () => Promise.reject(stage.error));
    app.get("/work", work);
    app.post("/echo-work", work);
    app.get("/stream", (_request, reply) => {
      const source = async function* (): AsyncGenerator<string> {
        yield "first";
        await work();
      };
      return reply.send(Readable.from(source()));
    });
    app.get("/headers", (_request, reply) => {
      void reply.headers({ etag: '"1"', "content-length": "3", "set-cookie": "a=b", "retry-after": "77" });
      reply.raw.statusMessage = "hunter2-s3cr3t";
      throw stage.error;
    });
    app.post("/echo", { bodyLimit: 1_000 }, (request, reply) => reply.send(request.body));
    app.get("/file", async () => Promise.reject(Object.assign(new Error("/srv/app/inside"), { statusCode: 404 })));
    app.get<{ Params: { n: string } }>("/load/:n", (request) => workload(Number(request.params.n)));
    return listen(app);
  },
});

it("fastify: tells what a schema says of the request", async () => {
  const app = fastify();
  await app.register(problemPlugin);
  const body = { type: "object", required: ["name"], properties: { name: { type: "string" } } } as const;
  app.post("/order", { schema: { body } }, async () => "well");
  const server = await listen(app);
  const {
    status,
    headers,
    body: answer,
  } = await send(`${server.url}/order`, { "content-type": "application/json" }, "{}").reply;
  expect(checkProblem(status, headers, answer)).toMatchObject({
    status: 400,
    code: "INVALID_REQUEST",
    detail: "body must have required property 'name'",
  });
  await server.close();
});

it.each(["node", "web", "response"] as const)(
  "fastify: a %s stream that fails before its first byte is answered, midway it is cut off",
  async (kind) => {
    const events: ProblemEvent<FastifyRequest>[] = [];
    const app = fastify();
    await app.register(problemPlugin, { onError: (event) => events.push(event) });
    app.get<{ Params: { parts: string } }>("/:parts", (request, reply) => {
      const source = async function* (): AsyncGenerator<Uint8Array> {
        for (let part = 0; part < Number(request.params.parts); part++) {
          yield Buffer.from("part");
          await new Promise((resolve) => setImmediate(resolve));
        }
        throw new Error("cut");
      };
      if (kind === "node") return reply.send(Readable.from(source()));
      const web = ReadableStream.from(source());
      return reply.send(kind === "web" ? web : new Response(web));
    });
    const server = await listen(app);
    const { status, headers, body } = await get(`${server.url}/0`);
    expect(checkProblem(status, headers, body)).toMatchObject({ status: 500 });
    await expect(get(`${server.url}/3`)).rejects.toThrow("aborted");
    await server.close();
    expect(events.map(({ outcome, error }) => [outcome, (error as Error).message])).toEqual([
      ["answered", "cut"],
      ["cutOff", "cut"],
    ]);
  },
);

it("fastify: registered below, it concerns what is below; leaves 404 alone where told; a route's own handler goes first", async () => {
  const app = fastify();
  await app.register(
    async (below) => {
      await below.register(problemPlugin, { notFound: false, logLevel: "warn" });
      below.get("/x", () => Promise.reject(new Error("below")));
      below.get("/own", { errorHandler: (_error, _request, reply) => void reply.code(418).send("own") }, () =>
        Promise.reject(new Error("own")),
      );
    },
    { prefix: "/api" },
  );
  app.get("/x", () => Promise.reject(new Error("above")));
  const answers = await Promise.all(["/api/x", "/api/own", "/api/nowhere", "/x"].map((path) => app.inject(path)));
  expect(answers.map(({ statusCode, headers }) => [statusCode, String(headers["content-type"]).split(";")[0]])).toEqual(
    [
      [500, "application/problem+json"],
      [418, "text/plain"],
      [404, "application/json"],
      [500, "application/json"],
    ],
  );
  await app.close();
  await expect(fastify().register(problemPlugin, { notFound: "no" } as never)).rejects.toThrow(
    "fastify.notFound must be true or false",
  );
});

it("fastify: hooks that fail on the document, and headers that are none, do not bring Fastify's own answer out", async () => {
  const app = fastify();
  await app.register(problemPlugin);
  app.addHook("onSend", (request, _reply, _payload, next) => {
    if (request.url.startsWith("/hook")) next(new Error("hunter2"));
    else next();
  });
  const schema = { response: { 200: { type: "object", required: ["hunter2"], properties: { hunter2: {} } } } } as const;
  app.get("/hook-well", async () => "well");
  app.get("/hook-fails", () => Promise.reject(new Error("hunter2")));
  app.get("/header", (_request, reply) => reply.header("x-hunter2", "a\nb").send("well"));
  app.get("/type", (_request, reply) => reply.type("text/html").send({ hunter2: true }));
  app.get("/answer", { schema }, (_request, reply) => reply.send({ other: true }));
  const server = await listen(app);
  for (const path of ["/hook-well", "/hook-fails", "/header", "/type", "/answer"]) {
    const { status, headers, body } = await get(server.url + path);
    expect(checkProblem(status, headers, body).status).toBe(500);
    expect(body + JSON.stringify(headers)).not.toContain("hunter2");
  }
  await server.close();
});

it("fastify: answers over HTTP/2, and cuts its streams off", async () => {
  const app = fastify({ http2: true });
  const events: ProblemEvent<FastifyRequest<RouteGenericInterface, Http2Server>>[] = [];
  await app.register(problemPlugin, { onError: (event) => events.push(event as never) });
  app.get("/fails", () => Promise.reject(new Error("hunter2")));
  app.get("/stream", (_request, reply) =>
    reply.send(
      Readable.from(
        (async function* (): AsyncGenerator<string> {
          yield "first";
          await new Promise((resolve) => setImmediate(resolve));
          throw new Error("cut");
        })(),
      ),
    ),
  );
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  const session = connect(url);
  const failing = session.request({ ":path": "/fails" });
  const [head] = (await once(failing, "response")) as [IncomingHttpHeaders & { ":status": number }];
  const { ":status": status, ...headers } = head;
  expect(checkProblem(status, headers, await text(failing)).code).toBe("SERVER_FAILED");
  const streamed = session.request({ ":path": "/stream" });
  streamed.on("error", () => {}).resume();
  await new Promise((resolve) => streamed.once("close", resolve));
  expect(streamed.rstCode).not.toBe(0);
  session.close();
  await app.close();
  expect(events.map(({ outcome, status }) => [outcome, status])).toEqual([
    ["answered", 500],
    ["cutOff", 200],
  ]);
});
