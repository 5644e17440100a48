import { describe, expect, it } from "vitest";
import { simulate, type Connection, type World } from "../../runtime/index.ts";
import { createTracer, type FinishedSpan, type SinkTracer } from "../../telemetry/index.ts";
import { ByteReader, encodeFrame, FrameDecoder } from "../../wire/index.ts";
import { createMemoryMember } from "../memory-member.ts";
import type { Member } from "../coordination.ts";
import { encodeContent, encodeRangeRequest, writeHead, writeTerms } from "./remote-codec.ts";
import { remoteCoordination, type RemoteCoordination } from "./remote-coordination.ts";
import { answerKinds, readWelcome, remotePreface, requestKinds, writeHello } from "./remote-protocol.ts";
import { serveCoordination } from "./remote-service.ts";

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const address = { host: "server", port: 2379 };

interface Side {
  readonly tracer: SinkTracer;
  readonly spans: FinishedSpan[];
}

function side(world: World): Side {
  const spans: FinishedSpan[] = [];
  return { spans, tracer: createTracer({ clock: world.clock, sinks: [{ write: (span) => void spans.push(span) }] }) };
}

interface Scene {
  readonly world: World;
  readonly ours: Side;
  readonly theirs: Side;
  readonly member: Member;
  /** Frames that clients have sent, and what the server has answered, by first byte. */
  readonly asked: string[];
  readonly answered: number[][];
  readonly connect: (traced?: boolean) => RemoteCoordination;
}

async function serving(isTraced: boolean, test: (scene: Scene) => Promise<void>): Promise<void> {
  await simulate({ seed: 1 }, async (world) => {
    world.process("server").start(() => undefined);
    world.process("client").start(() => undefined);
    const { runtime } = world.process("server");
    const [ours, theirs] = [side(world), side(world)];
    const member = createMemoryMember({ clock: runtime.clock });
    const reasons: string[] = [];
    const service = serveCoordination({
      member,
      clock: runtime.clock,
      onRefused: (reason) => void reasons.push(reason),
      ...(isTraced ? { tracer: theirs.tracer } : {}),
    });
    const [asked, answered]: [string[], number[][]] = [[], []];
    await runtime.network.listen(address, (connection) => service.accept(overheard(connection, asked, answered)));
    const clients: RemoteCoordination[] = [];
    const connect = (traced: boolean = true): RemoteCoordination => {
      const tracer = traced ? { tracer: ours.tracer } : {};
      const { runtime: client } = world.process("client");
      const made = remoteCoordination({ runtime: client, endpoints: ["server:2379"], ...tracer });
      clients.push(made);
      return made;
    };
    await test({ world, ours, theirs, member, asked, answered, connect });
    for (const client of clients) await client.close();
    await service.close();
    await member.close();
    expect(reasons).toEqual([]);
    for (const { tracer } of [ours, theirs]) expect(tracer.metrics.ended).toBe(tracer.metrics.started);
  });
}

/** A connection whose frames are noted, both ways. */
function overheard(connection: Connection, asked: string[], answered: number[][]): Connection {
  const [from, to] = [new FrameDecoder(), new FrameDecoder()];
  let skipped = 0;
  return new Proxy(connection, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === "handle") {
        return (handler: Parameters<Connection["handle"]>[0]) =>
          target.handle({
            ...handler,
            onData(data) {
              const preface = Math.min(data.length, remotePreface.length - skipped);
              skipped += preface;
              from.push(
                data.subarray(preface),
                (payload) => void asked.push(requestKinds[payload[0] ?? -1] ?? "unknown"),
              );
              handler.onData(data);
            },
          });
      }
      if (name === "write") {
        return (data: Uint8Array) => {
          to.push(data, (payload) => void answered.push([...payload]));
          return target.write(data);
        };
      }
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

describe("traces over the own protocol", () => {
  it("go on in the member: of each request, the first too", () =>
    serving(true, async ({ ours, theirs, member, connect }) => {
      const inside: (string | undefined)[] = [];
      const put = member.put.bind(member);
      Object.assign(member, {
        put: (...given: Parameters<typeof put>) => {
          inside.push(theirs.tracer.current()?.spanId);
          return put(...given);
        },
      });
      const cluster = connect();
      await ours.tracer.inSpan("request", async () => {
        await cluster.put({ key: bytes("k"), value: bytes("v") });
        await cluster.range({ key: bytes("k") });
      });
      await expect(cluster.range({ key: bytes("k"), revision: 99 })).rejects.toMatchObject({ code: "FUTURE_REVISION" });
      const methods = ["revision", "put", "range"];
      const request = ours.spans.find(({ name }) => name === "request");
      for (const method of methods) {
        const name = `holdfast.Coordination/${method}`;
        const asked = ours.spans.find((span) => span.name === name);
        expect(asked).toMatchObject({ kind: "client", traceId: request?.traceId, parentSpanId: request?.spanId });
        const served = theirs.spans.find((span) => span.name === name);
        const isParentRemote = true;
        expect(served).toMatchObject({
          kind: "server",
          traceId: request?.traceId,
          parentSpanId: asked?.spanId,
          isParentRemote,
        });
        expect(served?.attributes).toMatchObject({ "rpc.system": "holdfast", "rpc.method": method });
        if (method === "put") expect(inside).toEqual([served?.spanId]);
      }
      // Whose fault a refusal is, both sides judge for themselves.
      expect(ours.spans.at(-1)).toMatchObject({
        status: { code: "error" },
        attributes: { "error.type": "FUTURE_REVISION" },
      });
      expect(theirs.spans.at(-1)).toMatchObject({
        status: { code: "unset" },
        attributes: { "error.type": "FUTURE_REVISION" },
      });
    }));

  it("have the creation of a watch, and nothing of what it tells later", () =>
    serving(true, async ({ world, ours, theirs, connect, asked }) => {
      const cluster = connect();
      const watcher = await ours.tracer.inSpan("request", () => cluster.watch({ key: bytes("k") }));
      const request = ours.spans.find(({ name }) => name === "request");
      const [created] = ours.spans.filter(({ name }) => name === "holdfast.Coordination/watch");
      const [served] = theirs.spans.filter(({ name }) => name === "holdfast.Coordination/watch");
      expect(created).toMatchObject({ traceId: request?.traceId, parentSpanId: request?.spanId });
      expect(served).toMatchObject({ traceId: request?.traceId, parentSpanId: created?.spanId });
      const before = [ours.spans.length, theirs.spans.length];
      await connect(false).put({ key: bytes("k"), value: bytes("v") });
      const { value } = await watcher.next();
      expect(value?.events).toHaveLength(1);
      // The put's own, in a trace of its own.
      expect(theirs.spans.slice(before[1]).map(({ traceId }) => traceId)).not.toContain(request?.traceId);
      // Taken up again on another connection, it is not created again.
      world.network.breakConnections();
      await world.clock.sleep(2_000);
      expect(asked.filter((kind) => kind === "watch")).toHaveLength(2);
      expect(ours.spans.filter(({ name }) => name.endsWith("/watch"))).toHaveLength(1);
      await watcher.close();
    }));

  it("are not sent to a member that does not take them, as older ones do not", () =>
    serving(false, async ({ ours, theirs, connect, asked, answered }) => {
      const cluster = connect();
      await ours.tracer.inSpan("request", async () => {
        await cluster.put({ key: bytes("k"), value: bytes("v") });
        const watcher = await cluster.watch({ key: bytes("k") });
        await watcher.close();
      });
      expect(asked).not.toContain("trace");
      // What a member of before knows, with the ping's number given back.
      for (const kind of asked) expect(requestKinds.indexOf(kind as "ping")).toBeLessThanOrEqual(12);
      expect(answered.filter(([kind]) => answerKinds[kind ?? -1] === "pong")).toEqual([
        [answerKinds.indexOf("pong"), 1],
      ]);
      expect(ours.spans.map(({ name }) => name)).toContain("holdfast.Coordination/put");
      expect(theirs.spans).toEqual([]);
    }));

  it("cost a client without a tracer no byte", () =>
    serving(true, async ({ theirs, connect, asked }) => {
      await connect(false).range({ key: bytes("k") });
      expect(asked).toEqual(["hello", "range"]);
      expect(theirs.spans).toMatchObject([{ name: "holdfast.Coordination/range", kind: "server" }]);
      expect(theirs.spans[0]).not.toHaveProperty("parentSpanId");
    }));

  it("are not sent when nobody records them", () =>
    serving(true, async ({ ours, theirs, connect, asked }) => {
      const parent = { traceId: "1".repeat(32), spanId: "2".repeat(16), sampled: false };
      await ours.tracer.inSpan("request", () => connect().range({ key: bytes("k") }), { parent });
      expect(asked).toEqual(["hello", "ping", "range"]);
      expect(theirs.spans[0]?.traceId).not.toBe(parent.traceId);
    }));

  it("leave a client of before in peace, and whoever sends nonsense is answered all the same", () =>
    serving(true, async ({ world, theirs }) => {
      const connection = await world.process("client").runtime.network.connect(address);
      const answers: number[][] = [];
      const frames = new FrameDecoder();
      connection.handle({
        onData: (data) => frames.push(data, (payload) => void answers.push([...payload])),
        onClose: () => answers.push([-1]),
      });
      const send = (content: Uint8Array): void => void connection.write(encodeFrame(content));
      connection.write(remotePreface.slice());
      send(encodeContent((writer) => writeHello(writer, { clusterId: 0n })));
      for (const id of [0, 7]) send(encodeContent((writer) => writeHead(writer, "ping", id)));
      const range = encodeRangeRequest({ key: bytes("k") });
      const ask = (id: number): void =>
        send(
          encodeContent((writer) => {
            writeHead(writer, "range", id);
            writeTerms(writer, { timeoutMs: 1_000, token: "" });
            writer.bytes(range);
          }),
        );
      ask(1);
      for (const [id, parent] of [
        [2, "nonsense"],
        [3, `00-${"1".repeat(32)}-${"2".repeat(16)}-01`],
      ] as const) {
        send(
          encodeContent((writer) => {
            writeHead(writer, "trace", id);
            writer.utf8(parent);
            writer.utf8("");
          }),
        );
      }
      // Of another request's trace, nothing.
      ask(2);
      await world.clock.sleep(100);
      const [welcome, ...others] = answers;
      const reader = new ByteReader(Uint8Array.from(welcome ?? []));
      expect(answerKinds[reader.u8("kind")]).toBe("welcome");
      readWelcome(reader);
      const pong = answerKinds.indexOf("pong");
      expect(others.slice(0, 2)).toEqual([
        [pong, 0],
        [pong, 7],
      ]);
      expect(others.slice(2).map(([kind]) => answerKinds[kind ?? -1])).toEqual(["range", "range"]);
      for (const span of theirs.spans) expect(span).not.toHaveProperty("parentSpanId");
      connection.destroy();
    }));
});
