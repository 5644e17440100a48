import { afterEach, describe, expect, it } from "vitest";
import { constantBackoff, pipeline, retry } from "../../resilience/index.ts";
import { formatTraceparent } from "../../telemetry/index.ts";
import { FaultyServer, type Answer } from "../http-client/testing/faulty-server.ts";
import { recordSpans } from "../http-client/testing/span-record.ts";
import { resilientFetch } from "./resilient-fetch.ts";
import { tracedFetch } from "./traced-fetch.ts";

const open: FaultyServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server[Symbol.asyncDispose]();
});

async function start(...answers: readonly Answer[]): Promise<FaultyServer> {
  const server = await FaultyServer.start(...answers);
  open.push(server);
  return server;
}

describe("tracedFetch", () => {
  it("gives each try its span, and the trace to whoever answers it", async () => {
    const server = await start(
      (response) => void response.writeHead(503).end(),
      (response) => void response.end("stock"),
    );
    const { tracer, named } = recordSpans();
    const policy = pipeline(retry({ backoff: constantBackoff(0), jitter: "none" }));
    const get = resilientFetch(policy, { fetch: tracedFetch(tracer) });
    const parent = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", sampled: true };
    const text = await tracer.inSpan(
      "request",
      async () =>
        (await get(`${server.url}/stock?key=secret`, { headers: { tracestate: "old=1", accept: "a/b" } })).text(),
      { parent: { ...parent, traceState: "a=1" } },
    );
    expect(text).toBe("stock");
    const [request] = named("request");
    const tries = named("GET");
    expect(tries.map(({ attributes }) => attributes["http.response.status_code"])).toEqual([503, 200]);
    expect(tries.map(({ status }) => status.code)).toEqual(["error", "unset"]);
    for (const span of tries) {
      expect(span).toMatchObject({ kind: "client", parentSpanId: request?.spanId });
      expect(span.attributes["url.full"]).toBe(`${server.url}/stock`);
    }
    expect(
      server.requests.map(({ headers }) => [headers["traceparent"], headers["tracestate"], headers["accept"]]),
    ).toEqual(tries.map((span) => [formatTraceparent(span), "a=1", "a/b"]));
  });

  it("takes a Request, and has what goes wrong as the span's failure", async () => {
    const server = await start((response) => void response.destroy());
    const { tracer, spans } = recordSpans();
    const request = new Request(server.url, { method: "POST", body: "x", headers: { "x-own": "1" } });
    await expect(tracedFetch(tracer)(request)).rejects.toThrow("fetch failed");
    expect(server.requests[0]).toMatchObject({ method: "POST", body: "x", headers: { "x-own": "1" } });
    expect(spans).toMatchObject([{ name: "POST", status: { code: "error", message: "fetch failed" } }]);
    expect(server.requests[0]?.headers["traceparent"]).toContain(spans[0]?.traceId);
  });

  it("refuses what is no tracer", () => {
    expect(() => tracedFetch({} as never)).toThrow("tracedFetch.tracer must be a tracer");
  });
});
