import { randomBytes } from "node:crypto";
import { etcdCoordination } from "holdfast/adapters/etcd";
import { remoteCoordination } from "holdfast/coordination";
import { nodeRuntime } from "holdfast/runtime";
import { createTracer, formatTraceparent, type FinishedSpan, type TraceContext } from "holdfast/telemetry";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findLeader } from "../../packages/server/src/drill/cluster-watch.ts";
import { freePortRange } from "./free-ports.ts";
import { start, temporaryDirectory, until } from "./holdfast-command.ts";
import { TraceCollector, type CollectedSpan } from "./trace-collector.ts";

interface Member {
  readonly name: string;
  readonly clientUrl: string;
}

const undo: (() => unknown)[] = [];
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
let collector: TraceCollector;
let leader: Member;
let follower: Member;

beforeAll(async () => {
  collector = await TraceCollector.start();
  undo.push(() => collector.close());
  const directory = temporaryDirectory();
  undo.push(() => directory.remove());
  const place = ["--data", directory.path, "--port", String(await freePortRange(30)), "--dashboard", "off"];
  const up = start(["up", "--json", ...place, "--trace-url", collector.url]);
  undo.push(async () => {
    up.child.kill("SIGINT");
    await up.done;
  });
  const { members } = JSON.parse(await up.firstLine()) as { readonly members: readonly Member[] };
  const found = await findLeader(
    members.map(({ clientUrl }) => clientUrl),
    60_000,
  );
  leader = members.find(({ name }) => name === found?.name)!;
  follower = members.find((member) => member !== leader)!;
});

afterAll(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function newTrace(): TraceContext {
  return { traceId: randomBytes(16).toString("hex"), spanId: randomBytes(8).toString("hex"), sampled: true };
}

async function putOverHttp({ clientUrl }: Member, trace: TraceContext): Promise<void> {
  const body = JSON.stringify({ key: btoa(trace.traceId), value: btoa("v") });
  const headers = { traceparent: formatTraceparent(trace) };
  const answer = await fetch(`${clientUrl}/v3/kv/put`, { method: "POST", body, headers });
  expect(answer.status).toBe(200);
  await answer.text();
}

/** A client of ours, with the spans that it makes itself. */
function client() {
  const spans: FinishedSpan[] = [];
  return { spans, tracer: createTracer({ sinks: [{ write: (span) => void spans.push(span) }] }) };
}

/** What the members have told of one write at the follower: the request, its proposal, and that one at the leader. */
async function expectWhole(traceId: string, callerSpan: string | undefined, method: string): Promise<void> {
  const found = (): CollectedSpan[] =>
    collector.of(traceId).filter(({ parentSpanId, name }) => {
      return name === method || name === "raft proposal" ? parentSpanId !== undefined : false;
    });
  await until(`the spans of ${method}`, 10_000, () => found().length >= 3);
  const spans = found();
  const request = spans.find(({ name }) => name === method);
  const proposal = spans.find(({ name, member }) => name === "raft proposal" && member === follower.name);
  const led = spans.find(({ name, member }) => name === "raft proposal" && member === leader.name);
  expect(request).toMatchObject({ member: follower.name, parentSpanId: callerSpan, kind: 2 });
  expect(proposal).toMatchObject({ parentSpanId: request?.spanId, kind: 1 });
  expect(led).toMatchObject({
    parentSpanId: proposal?.spanId,
    kind: 2,
    attributes: { "raft.forwarded_by": follower.name },
  });
  expect(spans).toHaveLength(3);
  expect(proposal?.events.map(({ name }) => name)).toEqual(["forwarded", "applied"]);
  const stages = led?.events.map(({ name }) => name) ?? [];
  expect([stages[0], ...stages.slice(-2)]).toEqual(["appended", "committed", "applied"]);
  // Two of three make a majority; the leader's own disk may have been the third.
  expect(stages).toContain("acknowledged");
  const times = led?.events.map(({ timeUnixNano }) => BigInt(timeUnixNano)) ?? [];
  expect(times).toEqual(times.toSorted((one, other) => Number(one - other)));
  for (const { status } of spans) expect(status.code).toBe(0);
}

describe.concurrent("a trace through real members, to a collector", () => {
  it("is whole from HTTP over a follower to the leader", async () => {
    const trace = newTrace();
    await putOverHttp(follower, trace);
    await expectWhole(trace.traceId, trace.spanId, "etcdserverpb.KV/Put");
  });

  it("is whole from gRPC over a follower to the leader", async () => {
    const { spans, tracer } = client();
    await using store = etcdCoordination({ endpoints: [follower.clientUrl], tracer });
    await tracer.inSpan("request", () => store.put({ key: bytes("grpc"), value: bytes("v") }));
    const [call, request] = spans;
    expect(call).toMatchObject({ name: "etcdserverpb.KV/Put", kind: "client", parentSpanId: request?.spanId });
    await expectWhole(call!.traceId, call?.spanId, "etcdserverpb.KV/Put");
  });

  it("is whole from the own protocol over a follower to the leader", async () => {
    const { spans, tracer } = client();
    const endpoints = [follower.clientUrl];
    await using cluster = remoteCoordination({ runtime: nodeRuntime(), endpoints, tracer });
    await tracer.inSpan("request", () => cluster.put({ key: bytes("own"), value: bytes("v") }));
    const call = spans.find(({ name }) => name === "holdfast.Coordination/put");
    await expectWhole(call!.traceId, call?.spanId, "holdfast.Coordination/put");
  });

  it("is told once of each write, also of those while the collector was away", async () => {
    const traces = Array.from({ length: 40 }, newTrace);
    const mine = (): CollectedSpan[] => traces.flatMap(({ traceId }) => collector.of(traceId));
    const already = collector.refused;
    await putOverHttp(leader, traces[0]!);
    await until("the first two spans", 10_000, () => mine().length === 2);
    collector.isAway = true;
    for (const trace of traces.slice(1)) await putOverHttp(leader, trace);
    await until("the collector was missed", 10_000, () => collector.refused > already);
    expect(mine()).toHaveLength(2);
    collector.isAway = false;
    await until("all spans", 60_000, () => mine().length >= 2 * traces.length);
    for (const { traceId, spanId } of traces) {
      const spans = collector.of(traceId);
      const request = spans.find(({ parentSpanId }) => parentSpanId === spanId);
      expect(request).toMatchObject({ name: "etcdserverpb.KV/Put", member: leader.name });
      expect(spans.filter((span) => span !== request)).toMatchObject([
        { name: "raft proposal", parentSpanId: request?.spanId },
      ]);
    }
    expect(new Set(mine().map(({ spanId }) => spanId)).size).toBe(mine().length);
    expect(mine()).toHaveLength(2 * traces.length);
  });
});
