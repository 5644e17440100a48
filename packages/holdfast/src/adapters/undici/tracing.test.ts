import { Agent, request } from "undici";
import { describe, expect, it } from "vitest";
import { constantBackoff, retry } from "../../resilience/index.ts";
import { FaultyServer } from "../http-client/testing/faulty-server.ts";
import { recordSpans } from "../http-client/testing/span-record.ts";
import { withHeaders } from "./request-headers.ts";
import { resilience, tracing } from "./index.ts";

describe("undici's tracing", () => {
  it("gives each try its span, and the trace to whoever answers it", async () => {
    await using server = await FaultyServer.start(
      (response) => void response.writeHead(503).end(),
      (response) => void response.end("stock"),
    );
    const { tracer, named } = recordSpans();
    const agent = new Agent();
    const dispatcher = agent.compose(
      tracing(tracer),
      resilience(retry({ backoff: constantBackoff(0), jitter: "none" })),
    );
    const text = await tracer.inSpan("outer", async () => {
      const { body } = await request(`${server.url}/stock?key=secret`, {
        dispatcher,
        headers: { TraceState: "old=1" },
      });
      return body.text();
    });
    expect(text).toBe("stock");
    const [outer] = named("outer");
    const tries = named("GET");
    expect(tries.map(({ attributes }) => attributes["http.response.status_code"])).toEqual([503, 200]);
    expect(new Set(tries.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([outer?.spanId]));
    expect(tries[0]?.attributes["url.full"]).toBe(`${server.url}/stock`);
    const sent = server.requests.map(({ headers }) => headers["traceparent"]);
    expect(sent).toEqual(tries.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-03`));
    expect(server.requests[0]?.headers).not.toHaveProperty("tracestate");
    await agent.close();
  });

  it("has what goes wrong as the span's failure", async () => {
    await using server = await FaultyServer.start((response) => void response.destroy());
    const { tracer, spans } = recordSpans();
    const agent = new Agent();
    await expect(request(server.url, { dispatcher: agent.compose(tracing(tracer)) })).rejects.toThrow();
    expect(spans).toMatchObject([{ status: { code: "error" }, attributes: { "error.type": "UND_ERR_SOCKET" } }]);
    await agent.close();
  });

  it.each([
    [{ a: "1", b: ["2", "3"], traceparent: "old" }, ["a", "1", "b", "2", "b", "3", "traceparent", "new"]],
    [
      ["a", "1", "Traceparent", "old"],
      ["a", "1", "traceparent", "new"],
    ],
    [[["a", "1"]], ["a", "1", "traceparent", "new"]],
    [new Map([["a", "1"]]), ["a", "1", "traceparent", "new"]],
    [undefined, ["traceparent", "new"]],
    [{ a: undefined }, ["traceparent", "new"]],
  ])("puts headers into %j", (headers, expected) => {
    expect(withHeaders(headers as never, { traceparent: "new" }, ["tracestate"])).toEqual(expected);
  });

  it("refuses what is no tracer", () => {
    expect(() => tracing({} as never)).toThrow("undici.tracer must be a tracer");
  });
});
