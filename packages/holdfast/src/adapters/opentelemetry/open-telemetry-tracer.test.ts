import { AsyncLocalStorage } from "node:async_hooks";
import * as api from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { constantBackoff, pipeline, retry, traced } from "../../resilience/index.ts";
import { createLogger, traceHeaders } from "../../telemetry/index.ts";
import { openTelemetryTracer } from "./open-telemetry-tracer.ts";

/** What a program's own set-up registers: this package of OpenTelemetry's has none that follows promises. */
class FollowingContext implements api.ContextManager {
  readonly #storage = new AsyncLocalStorage<api.Context>();

  active(): api.Context {
    return this.#storage.getStore() ?? api.ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: api.Context,
    work: F,
    self?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(context, () => work.apply(self as ThisParameterType<F>, args));
  }

  bind<T>(_context: api.Context, target: T): T {
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }
}

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });

beforeAll(() => {
  api.context.setGlobalContextManager(new FollowingContext());
  api.trace.setGlobalTracerProvider(provider);
});

afterEach(() => exporter.reset());

afterAll(async () => {
  api.trace.disable();
  api.context.disable();
  await provider.shutdown();
});

const finished = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);

describe("openTelemetryTracer", () => {
  it("puts the spans of calls and tries among the program's own", async () => {
    const tracer = openTelemetryTracer(api, { name: "shop", version: "1.2.3" });
    const policy = pipeline(
      traced({ tracer, name: "stock" }),
      retry({ backoff: constantBackoff(0), jitter: "none" }),
      traced({ tracer, name: "stock try", kind: "client" }),
    );
    const own = api.trace.getTracer("program");
    await own.startActiveSpan("request", async (request) => {
      await policy.execute(({ attempt }) => {
        own.startSpan("inside").end();
        if (attempt === 1) throw Object.assign(new Error("reset"), { code: "ECONNRESET" });
      });
      request.end();
    });
    const [request] = finished("request");
    const [call] = finished("stock");
    const tries = finished("stock try");
    expect(call?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    expect(tries.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
      Array(2).fill(call?.spanContext().spanId),
    );
    expect(finished("inside").map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
      tries.map((span) => span.spanContext().spanId),
    );
    expect(tries[0]).toMatchObject({
      kind: api.SpanKind.CLIENT,
      status: { code: api.SpanStatusCode.ERROR, message: "reset" },
      attributes: { "holdfast.attempt": 1, "error.type": "ECONNRESET" },
    });
    expect(tries[0]?.events[0]?.name).toBe("exception");
    expect(call?.instrumentationScope).toMatchObject({ name: "shop", version: "1.2.3" });
  });

  it("takes its context from the program's, for headers and logs", () => {
    const tracer = openTelemetryTracer(api);
    const lines: { traceId?: string; spanId?: string }[] = [];
    const logger = createLogger({
      service: "s",
      sinks: [{ write: (line) => void lines.push(line) }],
      span: () => tracer.current(),
    });
    expect(tracer.current()).toBeUndefined();
    api.trace.getTracer("program").startActiveSpan("request", (request) => {
      const { traceId, spanId } = request.spanContext();
      expect(tracer.current()).toMatchObject({ traceId, spanId, sampled: true });
      expect(tracer.current()).toBe(tracer.current());
      expect(traceHeaders(tracer.current())["traceparent"]).toContain(`${traceId}-${spanId}`);
      logger.info("inside");
      expect(lines[0]).toMatchObject({ traceId, spanId });
      tracer.run(undefined, () => expect(tracer.current()).toBeUndefined());
      request.end();
    });
  });

  it("has everything a span of ours has", () => {
    const tracer = openTelemetryTracer(api);
    const parent = {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      sampled: true,
      traceState: "a=1",
      isRemote: true,
    };
    const span = tracer.startSpan("work", {
      kind: "server",
      parent,
      startedAt: 1_700_000_000_000.5,
      attributes: { a: 1 },
      links: [{ context: parent }],
    });
    span.setAttribute("b", ["x"]);
    span.setAttributes({ c: true });
    span.addEvent("halfway", { d: 1 }, 1_700_000_000_010);
    span.rename("work done");
    span.end(1_700_000_000_020.5);
    const [done] = finished("work done");
    expect(done).toMatchObject({
      kind: api.SpanKind.SERVER,
      attributes: { a: 1, b: ["x"], c: true },
      parentSpanContext: { traceId: parent.traceId, spanId: parent.spanId, isRemote: true },
      startTime: [1_700_000_000, 500_000],
      duration: [0, 20_000_000],
      events: [{ name: "halfway", attributes: { d: 1 } }],
    });
    expect(done?.links).toHaveLength(1);
    expect(span).toMatchObject({ traceId: parent.traceId, traceState: "a=1", isRecording: false });
    tracer.startSpan("root", { parent: null }).end();
    expect(finished("root")[0]?.parentSpanContext).toBeUndefined();
  });

  it("refuses what is not the module", () => {
    expect(() => openTelemetryTracer({} as never)).toThrow("must be the module @opentelemetry/api");
  });
});
