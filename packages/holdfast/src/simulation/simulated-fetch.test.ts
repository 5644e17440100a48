import { describe, expect, it } from "vitest";
import { simulate, type Runtime, type SimulationResult, type World } from "../runtime/index.ts";
import { serve } from "./serve.ts";
import { simulatedFetch, type SimulatedFetch } from "./simulated-fetch.ts";

/** A server that tells what it got, and a client. */
function withClient<Value>(
  client: (fetch: SimulatedFetch, runtime: Runtime, world: World) => Promise<Value>,
): Promise<SimulationResult<Value>> {
  return simulate({ seed: 1 }, (world) => {
    world.process("server").start(async (runtime) => {
      await serve(runtime, async (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/broken") throw new Error("not today");
        if (pathname === "/slow") await runtime.clock.sleep(1_000);
        if (pathname === "/crash") return new Promise(() => world.process("server").kill());
        if (pathname === "/dark") return new Promise(() => world.process("server").crash());
        if (pathname === "/nothing") return new Response(null, { status: 204 });
        const { method } = request;
        return Response.json({
          method,
          pathname,
          type: request.headers.get("content-type"),
          body: await request.text(),
        });
      });
    });
    return new Promise((resolve) => {
      world.process("client").start(async (runtime) => {
        await runtime.clock.sleep(10);
        resolve(await client(simulatedFetch(runtime), runtime, world));
      });
    });
  });
}

describe("simulatedFetch", () => {
  it("brings a request to the handler, and its response back", async () => {
    const run = (): Promise<SimulationResult<unknown>> =>
      withClient(async (fetch) => {
        const response = await fetch("http://server/things?all", {
          method: "POST",
          body: JSON.stringify({ text: "é".repeat(50_000) }),
          headers: { "content-type": "application/json" },
        });
        expect(response.url).toBe("http://server/things?all");
        expect(response.ok).toBe(true);
        return response.json();
      });
    const { value, traceHash } = await run();
    expect(value).toMatchObject({ method: "POST", pathname: "/things", type: "application/json" });
    expect(JSON.parse((value as { body: string }).body)).toEqual({ text: "é".repeat(50_000) });
    expect((await run()).traceHash).toBe(traceHash);
  });

  it("takes requests and URLs, forms and streams, and answers without a body", async () => {
    const run = (): Promise<SimulationResult<unknown>> =>
      withClient(async (fetch) => {
        const form = new URLSearchParams({ a: "1" });
        const posted = await fetch(new Request("http://server/form", { method: "PUT", body: form }));
        const nothing = await fetch(new URL("http://server/nothing"));
        const stream = new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode("streamed"));
            controller.close();
          },
        });
        const streamed = await fetch("http://server/", { method: "POST", body: stream, duplex: "half" });
        return [await posted.json(), nothing.status, await nothing.text(), await streamed.json()];
      });
    const { value, traceHash } = await run();
    expect(value).toMatchObject([{ method: "PUT", body: "a=1" }, 204, "", { body: "streamed" }]);
    expect((await run()).traceHash).toBe(traceHash);
  });

  it("answers 500 for what the handler throws", async () => {
    const { value } = await withClient(async (fetch) => {
      const response = await fetch("http://server/broken");
      return `${response.status} ${await response.text()}`;
    });
    expect(value).toBe("500 Error: not today");
  });

  it.each([
    ["http://nobody/", "ENOTFOUND"],
    ["http://server:81/", "ECONNREFUSED"],
    ["http://server/crash", "ECONNRESET"],
    ["http://server/dark", "ETIMEDOUT"],
  ])("%s fails as fetch does, with %s", async (url, code) => {
    const { value } = await withClient(async (fetch) => {
      try {
        return await fetch(url);
      } catch (error) {
        return error;
      }
    });
    expect(value).toBeInstanceOf(TypeError);
    expect(value).toMatchObject({ message: "fetch failed", cause: { code } });
  });

  it("refuses bodies that are read outside", async () => {
    const form = new FormData();
    form.set("text", "a");
    const { value } = await withClient(async (fetch) => {
      const sent = await fetch("http://server/form", { method: "POST", body: form });
      form.set("file", new File(["b"], "b.txt"));
      const refuse = (body: Blob | FormData): Promise<unknown> =>
        fetch("http://server/form", { method: "POST", body }).catch((error: unknown) => error);
      return { status: sent.status, refused: [await refuse(form), await refuse(new Blob(["c"]))] };
    });
    expect(value.status).toBe(200);
    const message = "simulatedFetch.body must not be a Blob, nor a form with files (got an object)";
    expect(value.refused).toMatchObject([{ message }, { message }]);
  });

  it("rejects with the signal's reason, and the handler's signal hears of it", async () => {
    const reason = new Error("too slow");
    const { value } = await withClient(async (fetch, { clock }) => {
      const controller = new AbortController();
      clock.setTimer(100, () => controller.abort(reason));
      const startedAt = clock.now();
      const failed = await fetch("http://server/slow", { signal: controller.signal }).catch((error: unknown) => error);
      const early = await fetch("http://server/", { signal: controller.signal }).catch((error: unknown) => error);
      return { failed, early, afterMs: clock.now() - startedAt };
    });
    expect(value.failed).toBe(reason);
    expect(value.early).toBe(reason);
    expect(value.afterMs).toBeCloseTo(100, 0);
  });

  it("tells the handler when its caller has gone", async () => {
    const { value } = await simulate({ seed: 1 }, async (world) => {
      let aborted = false;
      world.process("server").start(async (runtime) => {
        await serve(runtime, (request) => {
          request.signal.addEventListener("abort", () => (aborted = true));
          return new Promise(() => undefined);
        });
      });
      world.process("client").start(async (runtime) => {
        await runtime.clock.sleep(10);
        await simulatedFetch(runtime)("http://server/");
      });
      await world.clock.sleep(100);
      expect(aborted).toBe(false);
      world.process("client").kill();
      await world.clock.sleep(100);
      return aborted;
    });
    expect(value).toBe(true);
  });
});
