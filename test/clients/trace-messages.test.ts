import { headers as natsHeaders, connect as natsConnect } from "@nats-io/transport-node";
import { connect as amqpConnect, type ConsumeMessage } from "amqplib";
import {
  createTracer,
  extractTrace,
  injectTrace,
  processInSpan,
  sendInSpan,
  type FinishedSpan,
} from "holdfast/telemetry";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startNats, startRabbit, startRedis, type RealServer } from "./real-servers.ts";

let servers: RealServer[] = [];
let [rabbit, nats, redis]: number[] = [];

beforeAll(async () => {
  servers = await Promise.all([startRabbit(), startNats(), startRedis()]);
  [rabbit, nats, redis] = servers.map(({ port }) => port);
});

afterAll(() => Promise.all(servers.map((server) => server.close())));

function scene() {
  const spans: FinishedSpan[] = [];
  const tracer = createTracer({ sinks: [{ write: (span) => void spans.push(span) }] });
  const expectOneTrace = (destination: string): void => {
    const [send, process] = ["send", "process"].map((what) =>
      spans.find(({ name }) => name === `${what} ${destination}`),
    );
    expect(send).toMatchObject({ kind: "producer", status: { code: "unset" } });
    expect(process).toMatchObject({ kind: "consumer", traceId: send?.traceId, parentSpanId: send?.spanId });
  };
  return { spans, tracer, expectOneTrace };
}

const state = { traceId: "1".repeat(32), spanId: "2".repeat(16), sampled: true, traceState: "vendor=a,other=b" };

describe("the trace of a message", () => {
  it("goes through RabbitMQ, in headers as text and as bytes", async () => {
    const { tracer, expectOneTrace } = scene();
    const system = "rabbitmq";
    const connection = await amqpConnect(`amqp://guest:guest@127.0.0.1:${rabbit}`);
    const channel = await connection.createConfirmChannel();
    const { queue } = await channel.assertQueue("", { exclusive: true });
    const got: ConsumeMessage[] = [];
    let wake: (() => void) | undefined;
    await channel.consume(
      queue,
      (message) => {
        if (message === null) return;
        processInSpan({ tracer, system, destination: "orders", headers: message.properties.headers }, () =>
          got.push(message),
        );
        if (got.length === 3) wake?.();
      },
      { noAck: true },
    );
    const all = new Promise<void>((resolve) => (wake = resolve));
    sendInSpan({ tracer, system, destination: "orders" }, (headers) =>
      channel.sendToQueue(queue, Buffer.from("placed"), { headers }),
    );
    const asBytes = Object.fromEntries(
      Object.entries(injectTrace<Record<string, unknown>>({}, state)).map(([name, value]) => [
        name,
        Buffer.from(String(value)),
      ]),
    );
    channel.sendToQueue(queue, Buffer.from("by another library"), { headers: asBytes });
    channel.sendToQueue(queue, Buffer.from("by one without traces"));
    await all;
    expectOneTrace("orders");
    expect(extractTrace(got[1]?.properties.headers)).toMatchObject(state);
    expect(extractTrace(got[2]?.properties.headers)).toBeUndefined();
    await connection.close();
  });

  it("goes through NATS", async () => {
    const { tracer, expectOneTrace } = scene();
    const system = "nats";
    const connection = await natsConnect({ servers: `127.0.0.1:${nats}` });
    const subscription = connection.subscribe("orders.placed", { max: 2 });
    sendInSpan({ tracer, system, destination: "orders.placed", headers: natsHeaders() }, (headers) =>
      connection.publish("orders.placed", "1", { headers }),
    );
    const spelled = natsHeaders();
    spelled.set("Traceparent", `00-${state.traceId}-${state.spanId}-01`);
    spelled.append("Tracestate", "vendor=a");
    connection.publish("orders.placed", "2", { headers: spelled });
    const seen: unknown[] = [];
    for await (const message of subscription) {
      seen.push(extractTrace(message.headers));
      processInSpan({ tracer, system, destination: "orders.placed", headers: message.headers }, () => message.data);
    }
    expectOneTrace("orders.placed");
    expect(seen[1]).toMatchObject({ traceId: state.traceId, spanId: state.spanId, traceState: "vendor=a" });
    await connection.close();
  });

  it("goes through a Redis stream, in fields as text and as bytes, and links a batch", async () => {
    const { spans, tracer } = scene();
    const system = "redis";
    const client = new Redis({ port: redis!, host: "127.0.0.1" });
    const send = (order: string): Promise<string | null> =>
      sendInSpan({ tracer, system, destination: "orders", headers: ["order", order] }, (fields) =>
        client.xadd("orders", "*", ...fields),
      );
    await send("1");
    await send("2");
    const texts = (await client.xrange("orders", "-", "+")).map(([, fields]) => fields);
    const asBytes = (await client.xrangeBuffer("orders", "-", "+")).map(([, fields]) => fields);
    for (const batch of [texts, asBytes])
      processInSpan({ tracer, system, destination: "orders", batch }, () => undefined);
    const senders = spans.filter(({ kind }) => kind === "producer").map(({ spanId }) => spanId);
    const batches = spans.filter(({ kind }) => kind === "consumer");
    for (const { links } of batches) expect(links.map(({ context }) => context.spanId)).toEqual(senders);
    expect([senders.length, batches.length]).toEqual([2, 2]);
    await client.quit();
  });
});
