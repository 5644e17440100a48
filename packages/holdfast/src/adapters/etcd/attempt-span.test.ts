import { expect, it } from "vitest";
import { createTracer, type FinishedSpan } from "../../telemetry/index.ts";
import { etcdCoordination } from "./etcd-coordination.ts";
import { header, ScriptedEtcd, type ScriptedStream } from "./testing/scripted-etcd.ts";

const key = new TextEncoder().encode("k");

it("a request has a span for each try, and tells the endpoint its trace", async () => {
  const spans: FinishedSpan[] = [];
  const tracer = createTracer({ sinks: [{ write: (span) => void spans.push(span) }] });
  let asked = 0;
  const late = { code: 14, details: "etcdserver: request timed out" };
  const range = () => (++asked === 1 ? late : { ...header(5), kvs: [], count: 0 });
  await using server = await ScriptedEtcd.start({ unary: { range } });
  await using store = etcdCoordination({ endpoints: [server.address], tracer });
  await tracer.inSpan("outer", () => store.range({ key }));
  const outer = spans.at(-1);
  const [first, second] = spans.filter(({ parentSpanId }) => parentSpanId === outer?.spanId);
  expect(first).toMatchObject({
    name: "etcdserverpb.KV/Range",
    kind: "client",
    status: { code: "error", message: "etcdserver: request timed out" },
    attributes: { "rpc.service": "etcdserverpb.KV", "rpc.method": "Range", "rpc.grpc.status_code": 14 },
  });
  expect(second).toMatchObject({ status: { code: "unset" }, attributes: { "rpc.grpc.status_code": 0 } });
  const told = server.calls.map(({ metadata }) => metadata["traceparent"]);
  expect(told).toEqual([first, second].map((span) => `00-${span?.traceId}-${span?.spanId}-03`));
});

it("a watch has one until it stands, and none when it is taken up again", async () => {
  const spans: FinishedSpan[] = [];
  const tracer = createTracer({ sinks: [{ write: (span) => void spans.push(span) }] });
  const watch = (stream: ScriptedStream, count: number): void => {
    stream.once("data", () => {
      if (count === 1) stream.destroy(Object.assign(new Error("no leader"), { code: 14 }));
      else stream.write({ ...header(5), created: true });
      if (count === 2) setImmediate(() => stream.end());
    });
  };
  await using server = await ScriptedEtcd.start({ stream: { watch } });
  await using store = etcdCoordination({ endpoints: [server.address], tracer });
  const watcher = await tracer.inSpan("outer", () => store.watch({ key }));
  const outer = spans.at(-1);
  const opened = spans.filter(({ name }) => name === "etcdserverpb.Watch/Watch");
  for (const span of opened) expect(span).toMatchObject({ kind: "client", parentSpanId: outer?.spanId });
  expect(opened.map(({ status }) => status.code)).toEqual(["error", "unset"]);
  while (server.calls.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  const told = server.calls.map(({ metadata }) => metadata["traceparent"]);
  expect(told).toEqual([...opened.map((span) => `00-${span.traceId}-${span.spanId}-03`), undefined]);
  await watcher.close();
  expect(tracer.metrics.ended).toBe(tracer.metrics.started);
});

it("what is no tracer is refused", () => {
  expect(() => etcdCoordination({ endpoints: ["a:1"], tracer: {} as never })).toThrow("etcd.tracer must be a tracer");
});
