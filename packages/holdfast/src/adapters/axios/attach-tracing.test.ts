import { create } from "axios";
import { describe, expect, it } from "vitest";
import { constantBackoff, retry } from "../../resilience/index.ts";
import { FaultyServer } from "../http-client/testing/faulty-server.ts";
import { recordSpans } from "../http-client/testing/span-record.ts";
import { attachResilience, attachTracing } from "./index.ts";

describe("attachTracing", () => {
  it("gives each try its span, and the trace to whoever answers it", async () => {
    await using server = await FaultyServer.start(
      (response) => void response.writeHead(503).end(),
      (response) => void response.end("stock"),
    );
    const { tracer, named } = recordSpans();
    const api = create({ baseURL: server.url });
    attachResilience(api, retry({ backoff: constantBackoff(0), jitter: "none" }));
    const detach = attachTracing(api, tracer);
    const { data } = await tracer.inSpan("outer", () =>
      api.get<string>("/stock", { params: { key: "secret" }, headers: { TraceState: "old=1" } }),
    );
    expect(data).toBe("stock");
    const [outer] = named("outer");
    const tries = named("GET");
    expect(tries.map(({ attributes }) => attributes["http.response.status_code"])).toEqual([503, 200]);
    expect(tries.map(({ status }) => status.code)).toEqual(["error", "unset"]);
    expect(new Set(tries.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([outer?.spanId]));
    expect(tries[0]?.attributes["url.full"]).toBe(`${server.url}/stock`);
    const sent = server.requests.map(({ headers }) => headers["traceparent"]);
    expect(sent).toEqual(tries.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-03`));
    expect(server.requests[0]?.headers).not.toHaveProperty("tracestate");
    detach();
    await api.get("/stock");
    expect(server.requests.at(-1)?.headers).not.toHaveProperty("traceparent");
  });

  it("refuses what is no tracer", () => {
    expect(() => attachTracing(create(), {} as never)).toThrow("axios.tracer must be a tracer");
  });
});
