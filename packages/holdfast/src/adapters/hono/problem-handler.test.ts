import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { streamText } from "hono/streaming";
import { describe, expect, it } from "vitest";
import { BusinessError } from "../../errors/index.ts";
import { VirtualClock } from "../../testing/index.ts";
import { get } from "../http-server/testing/plain-client.ts";
import { serveFetch } from "../http-server/testing/fetch-server.ts";
import { checkProblem } from "../http-server/testing/problem-check.ts";
import { problemSuite, workload, type Stage } from "../http-server/testing/problem-suite.ts";
import type { TestServer } from "../http-server/testing/shedding-suite.ts";
import { Workshop } from "../http-server/testing/workshop.ts";
import { problems, type ProblemEvent, type ProblemOptions } from "./index.ts";

function appOf(options: ProblemOptions<Context>, stage: Stage): Hono {
  const answer = problems(options);
  const app = new Hono();
  app.use(answer.watch);
  app.onError(answer);
  app.notFound(answer.notFound);
  const work = async (): Promise<never> => {
    await stage.workshop.work(undefined);
    throw stage.error;
  };
  app.get("/throw", () => {
    throw stage.error;
  });
  app.get("/reject", () => Promise.reject(stage.error));
  app.get("/work", work);
  app.post("/echo-work", async (context) => {
    await context.req.json();
    return work();
  });
  app.get("/stream", (context) => {
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from("first");
      await work();
    };
    return context.body(ReadableStream.from(source()));
  });
  app.get("/headers", (context) => {
    for (const [name, value] of Object.entries({ etag: '"1"', "content-length": "3", "set-cookie": "a=b" })) {
      context.header(name, value);
    }
    context.header("retry-after", "77");
    throw stage.error;
  });
  const tooLarge = (): never => {
    throw new HTTPException(413);
  };
  app.post("/echo", bodyLimit({ maxSize: 1_000, onError: tooLarge }), async (context) => {
    try {
      return context.json(await context.req.json());
    } catch (cause) {
      throw cause instanceof HTTPException ? cause : new HTTPException(400, { cause });
    }
  });
  app.get("/file", () => Promise.reject(Object.assign(new Error("/srv/app/inside"), { status: 404 })));
  app.get("/load/:n", async (context) => context.text(await workload(Number(context.req.param("n")))));
  return app;
}

async function listen(app: Hono): Promise<TestServer> {
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };
}

problemSuite<Context>("hono", {
  clock: () => new VirtualClock(),
  start: async (options, stage) => listen(appOf(options, stage)),
});

problemSuite<Context>("hono, by fetch alone", {
  clock: () => new VirtualClock(),
  start: async (options, stage) => {
    const app = appOf(options, stage);
    return serveFetch((request) => app.fetch(request));
  },
});

it("hono: what the streaming helpers would end as if it were whole is cut off", async () => {
  const events: ProblemEvent<Context>[] = [];
  const answer = problems({ onError: (event) => events.push(event) });
  const app = new Hono();
  app.use(answer.watch);
  app.onError(answer);
  const failing = (context: Context, isCut: boolean): Response =>
    streamText(
      context,
      async (stream) => {
        await stream.write("first");
        throw new Error("cut");
      },
      isCut ? answer.cutOff(context) : async () => {},
    );
  app.get("/cut", (context) => failing(context, true));
  app.get("/whole", (context) => failing(context, false));
  const server = await listen(app);
  expect((await get(`${server.url}/whole`)).body).toBe("first");
  expect(events).toEqual([]);
  await expect(get(`${server.url}/cut`)).rejects.toThrow(/aborted|hang up/);
  await server.close();
  expect(events.map(({ outcome, error }) => [outcome, (error as Error).message])).toEqual([["cutOff", "cut"]]);
});

it("hono: a body that fails before its first byte is answered without its message", async () => {
  const stage: Stage = { error: new Error("hunter2"), workshop: new Workshop() };
  const events: ProblemEvent<Context>[] = [];
  const answer = problems({ onError: (event) => events.push(event) });
  const app = new Hono();
  app.use(answer.watch);
  app.get("/broken", () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(stage.error) });
    return new Response(body, { headers: { "content-encoding": "br" } });
  });
  const server = await listen(app);
  const { status, headers, body } = await get(`${server.url}/broken`);
  expect(checkProblem(status, headers, body)).toMatchObject({ status: 500 });
  expect(body).not.toContain("hunter2");
  await server.close();
  expect(events.map(({ outcome, error }) => [outcome, error])).toEqual([["answered", stage.error]]);
});

it("hono: its own exceptions keep status, message and challenge; an answer that was there before is gone", async () => {
  const app = new Hono();
  const answer = problems();
  app.onError(answer);
  app.use("/later", async (_context, next) => {
    await next();
    throw new BusinessError("no");
  });
  app.get("/later", (context) =>
    context.text("whole", 200, { etag: '"1"', "cache-control": "max-age=60", "x-kept": "1" }),
  );
  app.get("/password", () => {
    const res = new Response("no", { status: 401, headers: { "www-authenticate": "Basic" } });
    throw new HTTPException(401, { message: "say who you are", res });
  });
  app.get("/down", () => {
    throw new HTTPException(503, { message: "inside" });
  });
  const server = await listen(app);
  const later = await get(`${server.url}/later`);
  expect(checkProblem(later.status, later.headers, later.body).status).toBe(400);
  expect([later.headers.etag, later.headers["x-kept"]]).toEqual([undefined, "1"]);
  const password = await get(`${server.url}/password`);
  expect(checkProblem(password.status, password.headers, password.body)).toMatchObject({
    status: 401,
    code: "UNAUTHENTICATED",
    detail: "say who you are",
  });
  expect(password.headers["www-authenticate"]).toBe("Basic");
  const down = await get(`${server.url}/down`);
  expect(checkProblem(down.status, down.headers, down.body)).not.toHaveProperty("detail");
  await server.close();
});

describe("hono away from Node's server", () => {
  it("answers, tells of bodies that fail midway, and of clients that have gone", async () => {
    const events: ProblemEvent<Context>[] = [];
    const stage: Stage = { error: new BusinessError("no"), workshop: new Workshop() };
    const app = appOf({ onError: (event) => events.push(event) }, stage);
    for (const path of ["/reject", "/throw", "/nowhere"]) {
      const response = await app.request(path);
      const seen = checkProblem(response.status, Object.fromEntries(response.headers), await response.text());
      expect([seen.status, typeof seen.durationMs]).toEqual([path === "/nowhere" ? 404 : 400, "number"]);
    }
    stage.workshop.release();
    const broken = await app.request("/stream");
    await expect(broken.text()).rejects.toBe(stage.error);
    const client = new AbortController();
    const gone = app.request("/work", { signal: client.signal });
    client.abort();
    expect((await gone).status).toBe(499);
    expect(events.map(({ outcome, status }) => [outcome, status])).toEqual([
      ["answered", 400],
      ["answered", 400],
      ["cutOff", 200],
      ["clientGone", 499],
    ]);
  });
});
