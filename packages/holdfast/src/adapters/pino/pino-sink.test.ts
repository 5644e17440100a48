import { Writable } from "node:stream";
import { pino } from "pino";
import { expect, it } from "vitest";
import { createLogger } from "../../telemetry/index.ts";
import { pinoSink, traceMixin } from "./index.ts";

function lines() {
  const written: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  return { written, stream };
}

const span = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

it("writes through pino, at pino's levels, under pino's names", async () => {
  const { written, stream } = lines();
  const sink = pinoSink(pino({ level: "trace", base: null }, stream), { level: "info" });
  const logger = createLogger({ service: "orders", sinks: [sink], level: "trace", span: () => span });
  logger.debug("unseen");
  logger.warn("declined", { orderId: 7, token: "x", error: Object.assign(new Error("refused"), { code: "E" }) });
  logger.fatal("over");
  await logger.close();
  expect(written).toMatchObject([
    {
      level: 40,
      service: "orders",
      msg: "declined",
      orderId: 7,
      token: "[redacted]",
      trace_id: span.traceId,
      span_id: span.spanId,
      error: { name: "Error", message: "refused", code: "E" },
    },
    { level: 60, msg: "over" },
  ]);
});

it("gives pino's own lines the ids of the span", () => {
  const { written, stream } = lines();
  let current: typeof span | undefined = span;
  const logger = pino({ base: null, mixin: traceMixin(() => current) }, stream);
  logger.info("inside");
  current = undefined;
  logger.info("outside");
  expect(written).toMatchObject([{ trace_id: span.traceId, span_id: span.spanId }, { msg: "outside" }]);
  expect(written[1]).not.toHaveProperty("trace_id");
});

it("takes nothing but pino", () => {
  expect(() => pinoSink(console as never)).toThrow("pinoSink pino must be a pino logger");
});

it("D57: writes no name twice, whatever the fields are called", async () => {
  const texts: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      texts.push(chunk.toString());
      done();
    },
  });
  const named = pino({ name: "shop", base: { region: "eu" } }, stream);
  const logger = createLogger({ service: "orders", sinks: [pinoSink(named)], span: () => span });
  const hostile = { level: "x", time: 1, msg: "x", service: "x", trace_id: "x", region: "x", fields: "x", orderId: 7 };
  logger.info("paid", hostile);
  await logger.close();
  const [text = ""] = texts;
  for (const name of ["level", "time", "msg", "service", "trace_id", "region"]) {
    const outside = text.replace(/"fields":\{[^}]*\}/, "");
    expect([name, outside.split(`"${name}":`).length]).toEqual([name, 2]);
  }
  const { orderId, ...own } = hostile;
  expect(JSON.parse(text)).toMatchObject({
    level: 30,
    msg: "paid",
    service: "orders",
    region: "eu",
    orderId,
    fields: own,
  });
});
