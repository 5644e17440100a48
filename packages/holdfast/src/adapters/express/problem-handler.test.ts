import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable, pipeline } from "node:stream";
import express, { type Request } from "express";
import { expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { get } from "../http-server/testing/plain-client.ts";
import { checkProblem } from "../http-server/testing/problem-check.ts";
import { problemSuite, workload } from "../http-server/testing/problem-suite.ts";
import type { TestServer } from "../http-server/testing/shedding-suite.ts";
import { exposed, problems, type ProblemEvent } from "./index.ts";

async function listen(app: RequestListener): Promise<TestServer> {
  const server = createServer(app);
  server.listen(0, "127.0.0.1");
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

problemSuite<Request>("express", {
  clock: () => new VirtualClock(),
  async start(options, stage) {
    const answer = problems(options);
    const app = express();
    app.get("/throw", () => {
      throw stage.error;
    });
    app.get("/reject", () => Promise.reject(stage.error));
    app.get("/work", async () => {
      await stage.workshop.work(undefined);
      throw stage.error;
    });
    app.post("/echo-work", express.json(), async () => {
      await stage.workshop.work(undefined);
      throw stage.error;
    });
    app.get("/stream", async (_request, response) => {
      response.write("first");
      await stage.workshop.work(undefined);
      throw stage.error;
    });
    app.get("/headers", (_request, response) => {
      response.set({ etag: '"1"', "content-length": "3", "set-cookie": "a=b", "retry-after": "77" });
      response.statusMessage = "hunter2-s3cr3t";
      throw stage.error ?? new Error("nothing");
    });
    app.post("/echo", express.json({ limit: 1_000 }), (request, response) => void response.json(request.body));
    app.get("/file", (_request, response) => response.sendFile("/srv/app/inside/nothing.txt"));
    app.get("/load/:n", (request, response) =>
      workload(Number(request.params.n)).then((text) => void response.send(text)),
    );
    app.use(answer.notFound);
    app.use(answer);
    return listen(app);
  },
});

it("express: a source that fails in a pipeline is cut off; an error after the end changes nothing", async () => {
  const events: ProblemEvent<Request>[] = [];
  const app = express();
  const source = async function* (): AsyncGenerator<string> {
    yield "first";
    await new Promise((resolve) => setImmediate(resolve));
    throw new Error("cut");
  };
  app.get("/pipeline", (_request, response, next) => pipeline(Readable.from(source()), response, next));
  app.get("/late", (_request, response) => {
    response.send("whole");
    throw new Error("late");
  });
  app.use(problems({ onError: (event) => events.push(event) }));
  const server = await listen(app);
  await expect(get(`${server.url}/pipeline`)).rejects.toThrow("aborted");
  expect((await get(`${server.url}/late`)).body).toBe("whole");
  await server.close();
  expect(events.map(({ outcome, status }) => [outcome, status])).toEqual([
    ["cutOff", 200],
    ["late", 200],
  ]);
});

it("express: on a router of its own it concerns that alone", async () => {
  const app = express();
  const router = express.Router();
  router.get("/fail", () => {
    throw exposed(Object.assign(new Error("not yours"), { status: 403 }));
  });
  router.use(problems());
  app.use("/api", router);
  app.get("/fail", (_request, response) => void response.status(500).send("as before"));
  const server = await listen(app);
  const { status, headers, body } = await get(`${server.url}/api/fail`);
  expect(checkProblem(status, headers, body)).toMatchObject({ status: 403, code: "FORBIDDEN", detail: "not yours" });
  expect((await get(`${server.url}/fail`)).body).toBe("as before");
  await server.close();
});
