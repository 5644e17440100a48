import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { createHealth, healthPaths, type Health } from "../../../telemetry/index.ts";
import type { HealthRoutesOptions } from "../health-routes.ts";
import { get, send, type Reply } from "./plain-client.ts";
import type { TestServer } from "./shedding-suite.ts";
import { Workshop } from "./workshop.ts";

/** A test server with health before all else, then /work and /stream by the workshop, and /throw. */
export interface HealthFramework<Request> {
  start(health: Health, options: HealthRoutesOptions<Request>, workshop: Workshop): Promise<TestServer>;
  header(request: Request, name: string): string | undefined;
  /** The server is Node's, whose connections can be told to close. */
  readonly isNode: boolean;
}

/** What health's adapter for every framework promises. */
export function healthSuite<Request>(name: string, framework: HealthFramework<Request>): void {
  describe(`${name}: health`, () => {
    let workshop = new Workshop();
    const closing: (() => unknown)[] = [];
    afterEach(async () => {
      workshop.release();
      for (const close of closing.splice(0).toReversed()) await close();
    });

    async function start(options: HealthRoutesOptions<Request> = {}, health = createHealth()) {
      workshop = new Workshop();
      const server = await framework.start(health, options, workshop);
      closing.push(() => server.close());
      return { url: server.url, health };
    }

    it("answers at each path, for GET and HEAD, and nowhere else", async () => {
      const health = createHealth({ components: { database: {}, mail: { critical: false } }, waitsForStart: true });
      const { url } = await start({}, health);
      const statuses = async (): Promise<readonly number[]> => {
        const replies = await Promise.all(
          healthPaths.flatMap((path) => ["GET", "HEAD"].map((method) => ask(`${url}${path}?probe=1`, { method }))),
        );
        for (const [index, { status, headers, body }] of replies.entries()) {
          expect(headers).toMatchObject({
            "content-type": "application/json; charset=utf-8",
            "cache-control": "no-store",
          });
          expect(status).toBe(replies[index - (index % 2)]?.status);
          expect(body).toMatch(index % 2 === 0 ? /^\{"state":.*\}$/ : /^$/);
        }
        return replies.flatMap(({ status }, index) => (index % 2 === 0 ? [status] : []));
      };
      // live, ready, started, healthy
      expect(await statuses()).toEqual([200, 503, 503, 503]);
      health.set("database", "healthy");
      health.set("mail", "unhealthy");
      expect(await statuses()).toEqual([200, 503, 503, 200]);
      health.started();
      expect(await statuses()).toEqual([200, 200, 200, 200]);
      health.set("database", "unhealthy");
      expect(await statuses()).toEqual([200, 503, 200, 503]);
      health.failed("out of memory");
      expect(await statuses()).toEqual([503, 503, 200, 503]);
      expect((await ask(`${url}/readyz`, { method: "POST" })).status).toBe(404);
      expect((await get(`${url}/readyz/database`)).status).toBe(404);
    });

    it("tells components to nobody, to all, or to whom it is told", async () => {
      const components = { database: {} };
      const asked = async (details?: HealthRoutesOptions<Request>["details"]): Promise<readonly boolean[]> => {
        const options = details === undefined ? {} : { details };
        const { url } = await start(options, createHealth({ components }));
        const replies = [await get(`${url}/healthz`), await get(`${url}/healthz`, { "x-key": "ours" })];
        expect(replies.map(({ status }) => status)).toEqual([503, 503]);
        return replies.map(({ body }) => body.includes('"components":[{"name":"database","state":"unknown"'));
      };
      expect(await asked()).toEqual([false, false]);
      expect(await asked(false)).toEqual([false, false]);
      expect(await asked(true)).toEqual([true, true]);
      expect(await asked((request) => framework.header(request, "x-key") === "ours")).toEqual([false, true]);
      expect(
        await asked(() => {
          throw new Error("no such key");
        }),
      ).toEqual([false, false]);
    });

    it("counts requests until their response has left, however it ends", async () => {
      const { url, health } = await start();
      const until = async (count: number): Promise<void> => {
        while (health.inFlight !== count) await new Promise((resolve) => setImmediate(resolve));
      };
      await get(`${url}/livez`);
      const work = [send(`${url}/work`), send(`${url}/work`), send(`${url}/stream`)];
      await workshop.until(() => workshop.running === 3);
      await get(`${url}/readyz`);
      expect(health.inFlight).toBe(3);
      work[0]?.hangUp();
      await until(2);
      expect(await work[2]?.first).toBe("first");
      expect((await get(`${url}/throw`)).status).toBe(500);
      expect((await get(`${url}/nowhere`)).status).toBe(404);
      await until(2);
      workshop.release();
      expect([(await work[1]?.reply)?.body, (await work[2]?.reply)?.body]).toEqual(["done", "firstlast"]);
      await until(0);
    });

    it("waits with a drain for a response that streams, and says that it is not ready meanwhile", async () => {
      const { url, health } = await start();
      const stream = send(`${url}/stream`);
      expect(await stream.first).toBe("first");
      let isDrained = false;
      const drained = health.drain().then((outcome) => {
        isDrained = true;
        return outcome;
      });
      const statuses = await Promise.all(healthPaths.map(async (path) => (await get(url + path)).status));
      expect([statuses, isDrained]).toEqual([[200, 503, 200, 200], false]);
      expect(JSON.parse((await get(`${url}/readyz`)).body)).toMatchObject({ ready: false, draining: true });
      workshop.release();
      expect(await drained).toEqual({ left: 0 });
      expect((await stream.reply).body).toBe("firstlast");
    });

    it("ends a drain when the client of the last response goes", async () => {
      const { url, health } = await start();
      const stream = send(`${url}/stream`);
      await stream.first;
      const drained = health.drain();
      stream.hangUp();
      expect(await drained).toEqual({ left: 0 });
    });

    it("leaves requests alone when it is not to count them", async () => {
      const { url, health } = await start({ tracks: false });
      const work = send(`${url}/work`);
      await workshop.until(() => workshop.running === 1);
      expect(health.inFlight).toBe(0);
      expect(await health.drain()).toEqual({ left: 0 });
      workshop.release();
      expect((await work.reply).body).toBe("done");
    });

    const itOnNode = framework.isNode ? it : undefined;
    itOnNode?.("closes connections with their answers once it drains", async () => {
      const { url, health } = await start();
      const agent = new Agent({ keepAlive: true });
      closing.push(() => agent.destroy());
      const before = await ask(`${url}/nowhere`, { agent });
      expect(before.headers.connection).toBe("keep-alive");
      const underway = ask(`${url}/work`, { agent });
      await workshop.until(() => workshop.running === 1);
      const probe = ask(`${url}/readyz`, { agent });
      expect((await probe).headers.connection).toBe("keep-alive");
      const drained = health.drain({ graceMs: 1 });
      const late = await ask(`${url}/nowhere`, { agent });
      const probed = await ask(`${url}/livez`, { agent });
      workshop.release();
      const answers = [late, probed, await underway];
      expect(answers.map(({ status }) => status)).toEqual([404, 200, 200]);
      expect(answers.map(({ headers }) => headers.connection)).toEqual(["close", "close", "close"]);
      expect(await drained).toEqual({ left: 0 });
      await Promise.all(answers.map(({ closed }) => closed));
    });

    it.each([
      [{ detail: true }, `${name.split(",")[0]} health.detail is no option`],
      [{ details: "yes" }, `${name.split(",")[0]} health.details must be true, false or a function`],
      [{ tracks: 1 }, `${name.split(",")[0]} health.tracks must be`],
    ])("refuses %j", async (options, message) => {
      await expect(start(options as never)).rejects.toThrow(message);
    });

    it("refuses what is no health", async () => {
      await expect(start({}, {} as Health)).rejects.toThrow("health must be what createHealth gives");
    });
  });
}

interface Asked extends Reply {
  /** Resolves when the connection has ended. */
  readonly closed: Promise<unknown>;
}

/** One request, by an agent's connections where one is given. */
async function ask(url: string, options: { readonly method?: string; readonly agent?: Agent }): Promise<Asked> {
  const request = httpRequest(url, { agent: false, ...options });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const { socket } = response;
  const closed = new Promise((resolve) => socket.once("close", resolve));
  let body = "";
  for await (const part of response.setEncoding("utf8")) body += String(part);
  return { status: response.statusCode ?? 0, headers: response.headers, body, closed };
}
