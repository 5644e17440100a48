import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { constantBackoff, retry } from "../../resilience/index.ts";
import { recordSpans } from "../http-client/testing/span-record.ts";
import { ask } from "./testing/ask.ts";
import { echo, FailingService, fails } from "./testing/failing-service.ts";
import { resilienceInterceptor, tracingInterceptor, tracingServerInterceptor } from "./index.ts";

describe("tracing over gRPC", () => {
  it("is one trace from the client, through each try, into the handler", async () => {
    const client = recordSpans();
    const server = recordSpans();
    const seen: (string | undefined)[] = [];
    using service = await FailingService.start(
      [
        fails(status.UNAVAILABLE),
        (call, done) => {
          seen.push(server.tracer.current()?.spanId);
          echo(call, done);
        },
      ],
      {},
      { interceptors: [tracingServerInterceptor(server.tracer)] },
    );
    const policy = retry({ backoff: constantBackoff(0), jitter: "none" });
    const interceptors = [resilienceInterceptor(policy), tracingInterceptor(client.tracer)];
    const metadata = new Metadata();
    metadata.set("tracestate", "old=1");
    const asked = await client.tracer.inSpan("outer", () =>
      ask(service.client({ interceptors }), "hello", { metadata }),
    );
    expect(asked.answer).toBe("echo hello");
    expect(asked.headers).toHaveLength(1);
    await server.ended(2);
    const [outer] = client.named("outer");
    const tries = client.named("test.Echo/Say");
    expect(tries.map(({ attributes }) => attributes["rpc.grpc.status_code"])).toEqual([14, 0]);
    expect(tries.map(({ status }) => status.code)).toEqual(["error", "unset"]);
    expect(tries[0]).toMatchObject({
      kind: "client",
      parentSpanId: outer?.spanId,
      attributes: { "rpc.system": "grpc", "rpc.service": "test.Echo", "rpc.method": "Say" },
    });
    const handled = server.named("test.Echo/Say");
    expect(handled.map(({ parentSpanId }) => parentSpanId)).toEqual(tries.map(({ spanId }) => spanId));
    expect(new Set(handled.map(({ traceId }) => traceId))).toEqual(new Set([outer?.traceId]));
    expect(handled[0]).toMatchObject({ kind: "server", isParentRemote: true, status: { code: "error" } });
    expect(seen).toEqual([handled[1]?.spanId]);
    expect(service.calls.map(({ metadata }) => metadata.get("tracestate"))).toEqual([[], []]);
  });

  it("goes through streams, and begins a trace for a caller that names none", async () => {
    const server = recordSpans();
    let inHandler: string | undefined;
    using service = await FailingService.start(
      [echo],
      {
        list: (call) => {
          inHandler = server.tracer.current()?.spanId;
          call.write("one");
          call.end();
        },
      },
      { interceptors: [tracingServerInterceptor(server.tracer)] },
    );
    const client = recordSpans();
    const list = (names: boolean): Promise<unknown[]> =>
      service
        .client(names ? { interceptors: [tracingInterceptor(client.tracer)] } : {})
        .list("x", new Metadata(), {})
        .toArray();
    expect(await list(false)).toEqual(["one"]);
    await server.ended(1);
    expect(server.spans[0]).not.toHaveProperty("parentSpanId");
    expect(inHandler).toBe(server.spans[0]?.spanId);
    expect(await list(true)).toEqual(["one"]);
    await server.ended(2);
    expect(server.spans[1]?.parentSpanId).toBe(client.spans[0]?.spanId);
  });

  it("refuses what is no tracer", () => {
    expect(() => tracingInterceptor({} as never)).toThrow("grpc.tracer must be a tracer");
    expect(() => tracingServerInterceptor({} as never)).toThrow("grpc.tracer must be a tracer");
  });
});
