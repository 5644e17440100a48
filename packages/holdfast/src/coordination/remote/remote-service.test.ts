import { describe, expect, it } from "vitest";
import { simulate, type Connection, type World } from "../../runtime/index.ts";
import { ByteReader, encodeFrame, FrameDecoder, type ByteWriter } from "../../wire/index.ts";
import { encodeCommand } from "../key-value/command-codec.ts";
import { createMemoryMember } from "../memory-member.ts";
import type { Member } from "../coordination.ts";
import { encodeContent, writeHead, writeTerms, writeWatch } from "./remote-codec.ts";
import { readError } from "./remote-error.ts";
import { answerKinds, readWelcome, remotePreface, writeHello, type RequestKind } from "./remote-protocol.ts";
import { writeRange } from "../request-codec.ts";
import { serveCoordination, type RemoteService, type RemoteServiceLimits } from "./remote-service.ts";

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const noTerms = { timeoutMs: 1_000, token: "" };

/** A client that sends what it likes, and what it was sent. */
interface RawClient {
  readonly connection: Connection;
  /** Kinds and numbers of answers, errors with their codes, in order. */
  readonly answers: string[];
  readonly closed: () => boolean;
  send(kind: RequestKind, id: number, write?: (writer: ByteWriter) => void): void;
  put(id: number, key: string): void;
}

interface Served {
  readonly world: World;
  readonly member: Member;
  readonly service: RemoteService;
  readonly reasons: string[];
  readonly connect: (hello?: Uint8Array) => Promise<RawClient>;
}

async function serving(
  limits: RemoteServiceLimits,
  test: (served: Served) => Promise<void>,
  onRequest?: () => void,
): Promise<void> {
  await simulate({ seed: 1 }, async (world) => {
    world.process("server").start(() => undefined);
    world.process("client").start(() => undefined);
    const { runtime } = world.process("server");
    const member = createMemoryMember({ clock: runtime.clock });
    const reasons: string[] = [];
    const service = serveCoordination({
      member,
      clock: runtime.clock,
      limits,
      onRequest,
      onRefused: (reason) => void reasons.push(reason),
    });
    const address = { host: "server", port: 2379 };
    await runtime.network.listen(address, (connection) => service.accept(connection));
    const connect = async (hello: Uint8Array = greeting()): Promise<RawClient> => {
      const connection = await world.process("client").runtime.network.connect(address);
      return rawClient(connection, hello);
    };
    await test({ world, member, service, reasons, connect });
    await member.close();
  });
}

function greeting(clusterId: bigint = 0n): Uint8Array {
  const hello = encodeFrame(encodeContent((writer) => writeHello(writer, { clusterId })));
  return new Uint8Array([...remotePreface, ...hello]);
}

function rawClient(connection: Connection, hello: Uint8Array): RawClient {
  const answers: string[] = [];
  let closed = false;
  const frames = new FrameDecoder();
  connection.handle({
    onData: (data) => frames.push(data, (payload) => void answers.push(describeAnswer(new ByteReader(payload)))),
    onClose: () => (closed = true),
  });
  connection.write(hello);
  const client: RawClient = {
    connection,
    answers,
    closed: () => closed,
    send(kind, id, write) {
      const content = encodeContent((writer) => {
        writeHead(writer, kind, id);
        if (kind !== "cancel" && kind !== "ping" && kind !== "credit") writeTerms(writer, noTerms);
        write?.(writer);
      });
      connection.write(encodeFrame(content));
    },
    put(id, key) {
      const operation = { type: "put", request: { key: bytes(key), value: bytes("1") } } as const;
      const command = encodeCommand({ operation });
      client.send("command", id, (writer) => writer.bytes(command));
    },
  };
  return client;
}

function describeAnswer(reader: ByteReader): string {
  const kind = answerKinds[reader.u8("kind")]!;
  if (kind === "welcome") return `welcome ${readWelcome(reader).maxInFlight}`;
  const id = reader.varint("id");
  return kind === "error" || kind === "goodbye" ? `${kind} ${id} ${readError(reader).code}` : `${kind} ${id}`;
}

describe("serving the own protocol", () => {
  it("answers requests by their numbers, in any number of pieces", () =>
    serving({}, async ({ world, connect, service }) => {
      const client = await connect(new Uint8Array(0));
      for (const byte of greeting()) client.connection.write(Uint8Array.of(byte));
      client.put(7, "a");
      client.send("ping", 0);
      client.put(3, "b");
      await world.clock.sleep(100);
      expect(client.answers[0]).toBe("welcome 1024");
      expect(client.answers.slice(1).sort()).toEqual(["outcome 3", "outcome 7", "pong 0"]);
      expect([service.clients, service.refused]).toEqual([1, 0]);
    }));

  it.each<[string, (client: RawClient) => void, RegExp]>([
    ["another kind", (client) => client.connection.write(encodeFrame(Uint8Array.of(99, 1))), /request.kind/],
    ["a second hello", (client) => client.connection.write(encodeFrame(Uint8Array.of(0, 1))), /hello/],
    ["a frame beyond the bound", (client) => client.connection.write(Uint8Array.of(255, 255, 255, 127)), /frame/],
    ["a command cut off", (client) => client.send("command", 1, (writer) => writer.u8(1)), /command.operation/],
    ["a command of the cluster's own", clockTick, /command.operation/],
    ["a range with something behind it", rangeWithMore, /range/],
    ["a number that is in use", numberInUse, /request.id/],
  ])("cuts off and counts who sends %s", (_, misbehave, reason) =>
    serving({}, async ({ world, connect, service, reasons }) => {
      const bystander = await connect();
      const client = await connect();
      await world.clock.sleep(10);
      misbehave(client);
      await world.clock.sleep(100);
      expect(client.answers.at(-1)).toBe("goodbye 0 MALFORMED");
      expect([client.closed(), service.clients, service.refused, reasons.length]).toEqual([true, 1, 1, 1]);
      expect(reasons[0]).toMatch(reason);
      bystander.put(1, "a");
      await world.clock.sleep(100);
      expect(bystander.answers).toEqual(["welcome 1024", "outcome 1"]);
    }),
  );

  it.each<[string, Uint8Array, string, number]>([
    ["another protocol", bytes("GET / HTTP/1.1\r\n\r\n"), "goodbye 0 MALFORMED", 1],
    ["another cluster", greeting(12345n), "goodbye 0 WRONG_CLUSTER", 0],
    [
      "no end of a hello",
      new Uint8Array([...remotePreface, 200, 0, 0, 0, ...new Uint8Array(80)]),
      "goodbye 0 MALFORMED",
      1,
    ],
  ])("turns away %s", (_, hello, answer, refused) =>
    serving({}, async ({ world, connect, service }) => {
      const client = await connect(hello);
      await world.clock.sleep(100);
      expect(client.answers).toEqual([answer]);
      client.connection.end();
      await world.clock.sleep(1_500);
      expect([client.closed(), service.clients, service.refused]).toEqual([true, 0, refused]);
    }),
  );

  it("answers whatever its listeners do", async () => {
    let heard = 0;
    await serving(
      {},
      async ({ world, connect }) => {
        const client = await connect();
        client.put(1, "a");
        await world.clock.sleep(100);
        expect(client.answers).toEqual(["welcome 1024", "outcome 1"]);
      },
      () => {
        heard++;
        throw new Error("a bug of theirs");
      },
    );
    expect(heard).toBe(1);
  });

  it("gives up those who say nothing: at first, and later", () =>
    serving({}, async ({ world, connect, reasons, service }) => {
      await connect(new Uint8Array(0));
      const talker = await connect();
      const quiet = await connect();
      for (let second = 0; second < 45; second++) {
        await world.clock.sleep(1_000);
        talker.send("ping", 0);
      }
      expect(reasons).toEqual(["it did not say hello", "it said nothing for 30000 ms"]);
      expect([service.clients, quiet.closed(), talker.closed()]).toEqual([1, true, false]);
    }));

  it("refuses what is too much, and nothing else", () =>
    serving({ maxInFlight: 2, maxWatches: 1, maxClients: 1, maxRequestBytes: 300 }, async ({ world, connect }) => {
      const client = await connect();
      for (const id of [1, 2, 3]) client.put(id, "a");
      client.put(4, "k".repeat(400));
      const watch = (writer: ByteWriter): void =>
        writeWatch(writer, { request: { key: bytes("a") }, requireLeader: false, credit: 1 });
      client.send("watch", 5, watch);
      client.send("watch", 6, watch);
      const other = await connect();
      await world.clock.sleep(100);
      client.put(7, "k".repeat(400));
      client.put(8, "a");
      await world.clock.sleep(100);
      expect(client.answers.toSorted()).toEqual(
        [
          "welcome 2",
          "outcome 1",
          "outcome 2",
          "error 3 TOO_MANY_REQUESTS",
          "error 4 TOO_MANY_REQUESTS",
          "watching 5",
          "error 6 TOO_MANY_REQUESTS",
          "error 7 REQUEST_TOO_LARGE",
          "told 5",
          "outcome 8",
        ].toSorted(),
      );
      expect(other.answers).toEqual(["goodbye 0 TOO_MANY_REQUESTS"]);
    }));

  it("sends a watch as many responses as were asked for", () =>
    serving({}, async ({ world, connect, member }) => {
      const client = await connect();
      client.send("watch", 1, (writer) =>
        writeWatch(writer, { request: { key: bytes("a"), maxBytes: 1 }, requireLeader: false, credit: 2 }),
      );
      await world.clock.sleep(50);
      const told = async (): Promise<number> => {
        await world.clock.sleep(50);
        return client.answers.filter((answer) => answer === "told 1").length;
      };
      for (let at = 0; at < 5; at++) await member.put({ key: bytes("a"), value: bytes(`${at}`) });
      expect(await told()).toBe(2);
      client.send("credit", 1, (writer) => writer.varint(1));
      expect(await told()).toBe(3);
      client.send("credit", 1, (writer) => writer.varint(10));
      expect(await told()).toBe(5);
      client.send("cancel", 1);
      await world.clock.sleep(50);
      await member.put({ key: bytes("a"), value: bytes("last") });
      expect(await told()).toBe(5);
    }));

  it("does nothing more for who does not read, and cuts it off when that lasts", () =>
    serving(
      { maxUnreadBytes: 20_000, unreadTimeoutMs: 1_000 },
      async ({ world, connect, member, reasons, service }) => {
        await member.put({ key: bytes("a"), value: new Uint8Array(10_000) });
        const client = await connect();
        await world.clock.sleep(10);
        // Its machine takes nothing more: what is sent to it stays on the way.
        world.network.clog("server", "client", 10_000);
        for (let id = 1; id <= 60; id++) {
          client.send("range", id, (writer) => writeRange(writer, { key: bytes("a") }));
          await world.clock.sleep(5);
        }
        await world.clock.sleep(2_000);
        expect(reasons).toEqual(["it does not read its answers"]);
        expect(service.clients).toBe(0);
      },
    ));

  it("answers what is under way when it closes, and takes nothing more", () =>
    serving({}, async ({ world, connect, service }) => {
      const client = await connect();
      await world.clock.sleep(10);
      client.put(1, "a");
      await world.clock.sleep(2);
      const closing = service.close();
      client.put(2, "b");
      await closing;
      const late = await connect();
      await world.clock.sleep(100);
      expect(client.answers).toContain("outcome 1");
      expect(client.answers).toContain("goodbye 0 STOPPED");
      expect(client.answers).not.toContain("outcome 2");
      expect(late.answers).toEqual(["goodbye 0 STOPPED"]);
      expect(service.refused).toBe(0);
    }));

  it("checks its limits", () => {
    const options = { member: createMemoryMember(), clock: undefined as never };
    expect(() => serveCoordination({ ...options, limits: { maxInFlight: 0 } })).toThrow(
      "limits.maxInFlight must be an integer >= 1 (got 0)",
    );
    expect(() => serveCoordination({ ...options, limits: { most: 1 } as object })).toThrow("most");
  });
});

/** Only members may move the clock. */
function clockTick(client: RawClient): void {
  const command = encodeCommand({ operation: { type: "clockTick", request: { term: 1, elapsedMs: 1_000_000 } } });
  client.send("command", 1, (writer) => writer.bytes(command));
}

function rangeWithMore(client: RawClient): void {
  client.send("range", 1, (writer) => {
    writeRange(writer, { key: bytes("a") });
    writer.u8(0);
  });
}

function numberInUse(client: RawClient): void {
  const request = { request: { key: bytes("a") }, requireLeader: false, credit: 1 };
  client.send("watch", 1, (writer) => writeWatch(writer, request));
  client.put(1, "a");
}
