import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from "node:http2";
import { connect as connectSocket, createServer, type AddressInfo } from "node:net";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { createGrpcServer, type CallHandler, type GrpcServer } from "./grpc-server.ts";
import { framed } from "./message-reader.ts";
import type { ServerCall } from "./server-call.ts";
import { grpcCode } from "./status-code.ts";

const opened: (() => unknown)[] = [];
const unchanged = (bytes: Buffer): Buffer => bytes;

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function serve(handlers: Readonly<Record<string, CallHandler>>): Promise<{ port: number; grpc: GrpcServer }> {
  const grpc = createGrpcServer({ handlers: new Map(Object.entries(handlers)), maxMessageBytes: 1_000_000 });
  const listener = createServer((socket) => grpc.accept(socket)).listen(0, "127.0.0.1");
  opened.push(() => listener.close());
  opened.push(() => grpc.destroy());
  await once(listener, "listening");
  return { port: (listener.address() as AddressInfo).port, grpc };
}

function client(port: number): Client {
  const made = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  opened.push(() => made.close());
  return made;
}

function raw(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  opened.push(() => session.destroy());
  return session;
}

const grpcHeaders = { ":method": "POST", ":path": "/s.S/Echo", "content-type": "application/grpc", te: "trailers" };

/** What a raw request is answered with: headers, messages' bytes, trailers. */
async function answerTo(
  stream: ClientHttp2Stream,
): Promise<{ headers: OutgoingHttpHeaders; body: Buffer; trailers: OutgoingHttpHeaders }> {
  let headers: OutgoingHttpHeaders = {};
  let trailers: OutgoingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on("response", (got) => (headers = got)).on("trailers", (got) => (trailers = got));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(stream, "close");
  return { headers, body: Buffer.concat(chunks), trailers };
}

const echo: CallHandler = (call) =>
  call.listen({ onMessage: (message) => call.answer(message), onEnd: () => undefined, onGone: () => undefined });

/** Answers every message of a stream with itself, and ends with it. */
const echoAll: CallHandler = (call) =>
  call.listen({
    onMessage: (message) => void call.send(message),
    onEnd: () => call.finish(),
    onGone: () => undefined,
  });

function unary(from: Client, path: string, bytes: Buffer, metadata = new Metadata()): Promise<Buffer | ServiceError> {
  return new Promise((resolve) => {
    from.makeUnaryRequest(path, unchanged, unchanged, bytes, metadata, {}, (error, answer) =>
      resolve(error ?? (answer as Buffer)),
    );
  });
}

describe("a call", () => {
  it("of one message is answered with one, of any size", async () => {
    const { port } = await serve({ "/s.S/Echo": echo });
    for (const bytes of [Buffer.alloc(0), Buffer.from("a"), Buffer.alloc(999_999, 7)]) {
      expect(await unary(client(port), "/s.S/Echo", bytes)).toEqual(bytes);
    }
  });

  it("of many messages is answered with many, in order, and ends with its status", async () => {
    const { port } = await serve({ "/s.S/Echo": echoAll });
    const stream = client(port).makeBidiStreamRequest("/s.S/Echo", unchanged, unchanged);
    const sent = Array.from({ length: 200 }, (_, i) => Buffer.from(`message ${i}`));
    for (const bytes of sent) stream.write(bytes);
    stream.end();
    const got: Buffer[] = [];
    stream.on("data", (bytes: Buffer) => got.push(bytes));
    const [status] = (await once(stream, "status")) as [{ code: number }];
    expect(status.code).toBe(grpcCode.OK);
    expect(got).toEqual(sent);
  });

  it("ends with the code and the message of its status, whatever characters that has", async () => {
    const message = "100 % of ünïcode\nand \u{1f40c}, ~";
    const { port } = await serve({
      "/s.S/Fail": (call) => call.finish({ code: grpcCode.ABORTED, message }),
      "/s.S/FailLate": (call) => {
        call.send(Buffer.from("first"));
        call.finish({ code: grpcCode.ABORTED, message });
      },
    });
    expect(await unary(client(port), "/s.S/Fail", Buffer.alloc(0))).toMatchObject({ code: 10, details: message });
    const stream = client(port).makeServerStreamRequest("/s.S/FailLate", unchanged, unchanged, Buffer.alloc(0));
    const got: Buffer[] = [];
    stream.on("data", (bytes: Buffer) => got.push(bytes));
    const [error] = (await once(stream, "error")) as [ServiceError];
    expect(error).toMatchObject({ code: 10, details: message });
    expect(got).toEqual([Buffer.from("first")]);
  });

  it("brings its metadata", async () => {
    const { port } = await serve({ "/s.S/Meta": (call) => call.answer(Buffer.from(call.metadata("token") ?? "")) });
    const metadata = new Metadata();
    metadata.add("token", "a");
    expect(await unary(client(port), "/s.S/Meta", Buffer.alloc(0), metadata)).toEqual(Buffer.from("a"));
  });

  it("that its caller leaves is told to its server, and one that was answered is not", async () => {
    const gone = Promise.withResolvers<string>();
    const arrived = Promise.withResolvers<void>();
    let goneAfterAnswer = 0;
    const { port } = await serve({
      "/s.S/Wait": (call) => {
        call.listen({ onMessage: () => arrived.resolve(), onEnd: () => undefined, onGone: () => gone.resolve("gone") });
      },
      "/s.S/Echo": (call) => {
        call.listen({
          onMessage: (bytes) => call.answer(bytes),
          onEnd: () => undefined,
          onGone: () => goneAfterAnswer++,
        });
      },
    });
    const from = client(port);
    await unary(from, "/s.S/Echo", Buffer.alloc(1));
    const waiting = from.makeUnaryRequest("/s.S/Wait", unchanged, unchanged, Buffer.alloc(1), () => undefined);
    await arrived.promise;
    waiting.cancel();
    expect(await gone.promise).toBe("gone");
    expect(goneAfterAnswer).toBe(0);
  });

  it("that is answered before its caller has sent everything is closed", async () => {
    const { port } = await serve({ "/s.S/Echo": (call) => call.finish({ code: grpcCode.ABORTED, message: "early" }) });
    const stream = raw(port).request(grpcHeaders, { endStream: false });
    stream.write(framed(Buffer.alloc(10)));
    const { headers } = await answerTo(stream);
    expect(headers).toMatchObject({ ":status": 200, "grpc-status": "10", "grpc-message": "early" });
    expect(stream.rstCode).toBe(0);
  });

  it("holds its server back when its caller does not read, and goes on when it does", async () => {
    let sent = 0;
    let drains = 0;
    const held = Promise.withResolvers<void>();
    const fill = (call: ServerCall): void => {
      while (sent < 200) {
        sent++;
        if (call.send(Buffer.alloc(65_536, sent))) continue;
        if (++drains > 0) held.resolve();
        call.onDrain(() => fill(call));
        return;
      }
      call.finish();
    };
    const { port } = await serve({ "/s.S/Echo": fill });
    const stream = raw(port).request(grpcHeaders);
    await held.promise;
    expect(sent).toBeLessThan(200);
    const { body, trailers } = await answerTo(stream);
    expect(body.length).toBe(200 * 65_541);
    expect(drains).toBeGreaterThan(1);
    expect(trailers).toMatchObject({ "grpc-status": "0" });
  });

  it("holds its caller back when its server does not read", async () => {
    let call: ServerCall | undefined;
    let received = 0;
    const { port } = await serve({
      "/s.S/Echo": (made) => {
        call = made;
        made.listen({
          onMessage: (bytes) => (received += bytes.length),
          onEnd: () => made.finish(),
          onGone: () => undefined,
        });
        made.pause();
      },
    });
    const stream = raw(port).request(grpcHeaders, { endStream: false });
    const total = 8 * 1024 * 1024;
    for (let at = 0; at < total; at += 524_288) stream.write(framed(Buffer.alloc(524_288)));
    stream.end();
    // Everything that the window lets through has come when the connection answers a ping sent after it.
    await once(stream, "ready");
    await new Promise((resolve) => stream.session?.ping((_error, duration) => resolve(duration)));
    expect(received).toBeLessThan(total / 2);
    call?.resume();
    expect((await answerTo(stream)).headers).toMatchObject({ "grpc-status": "0" });
    expect(received).toBe(total);
  });
});

describe("what is refused", () => {
  it.each<[string, OutgoingHttpHeaders, OutgoingHttpHeaders]>([
    ["an unknown service", { ":path": "/t.T/Echo" }, { "grpc-status": "12", "grpc-message": "unknown service t.T" }],
    [
      "an unknown method",
      { ":path": "/s.S/No" },
      { "grpc-status": "12", "grpc-message": "unknown method No for service s.S" },
    ],
    ["a path that is none", { ":path": "/" }, { "grpc-status": "12", "grpc-message": 'malformed method name: "/"' }],
    ["compression", { "grpc-encoding": "gzip" }, { "grpc-status": "12" }],
    ["another content type", { "content-type": "text/plain" }, { ":status": 415 }],
    ["another method", { ":method": "GET" }, { ":status": 405 }],
  ])("%s", async (_, changed, expected) => {
    const { port } = await serve({ "/s.S/Echo": echo });
    const session = raw(port);
    expect((await answerTo(session.request({ ...grpcHeaders, ...changed }))).headers).toMatchObject(expected);
    const next = session.request(grpcHeaders);
    next.end(framed(Buffer.from("on")));
    expect((await answerTo(next)).body).toEqual(framed(Buffer.from("on")));
  });

  it.each<[string, Buffer, string]>([
    ["a message too long", Buffer.from([0, 0, 16, 0, 0, 1]), "8"],
    ["a compressed message", Buffer.from([1, 0, 0, 0, 0]), "13"],
    ["a message cut short", Buffer.from([0, 0, 0, 0, 9, 1]), "13"],
  ])("%s, and the server told", async (_, bytes, status) => {
    const gone = Promise.withResolvers<void>();
    const { port } = await serve({
      "/s.S/Echo": (call) =>
        call.listen({ onMessage: (message) => call.answer(message), onEnd: () => undefined, onGone: gone.resolve }),
    });
    const stream = raw(port).request(grpcHeaders);
    stream.end(bytes);
    expect((await answerTo(stream)).headers).toMatchObject({ "grpc-status": status });
    await gone.promise;
  });
});

/** One address that leads to one port after the other, and to the last one from then on. */
async function frontOf(ports: readonly number[]): Promise<{ port: number; connections: () => number }> {
  let taken = 0;
  const front = createServer((socket) => {
    const back = connectSocket(ports[Math.min(taken++, ports.length - 1)]!, "127.0.0.1");
    socket.pipe(back).pipe(socket);
    for (const each of [socket, back]) each.on("error", () => undefined);
  }).listen(0, "127.0.0.1");
  opened.push(() => front.close());
  await once(front, "listening");
  return { port: (front.address() as AddressInfo).port, connections: () => taken };
}

describe("a server that drains", () => {
  it("lets calls end and closes the connections then", async () => {
    let call: ServerCall | undefined;
    const arrived = Promise.withResolvers<void>();
    const { port, grpc } = await serve({
      "/s.S/Echo": (made) => {
        call = made;
        made.listen({ onMessage: () => arrived.resolve(), onEnd: () => undefined, onGone: () => undefined });
      },
    });
    const session = raw(port);
    const stream = session.request(grpcHeaders);
    stream.end(framed(Buffer.from("a")));
    await arrived.promise;
    grpc.drain();
    const closed = once(session, "close");
    await once(session, "goaway");
    call?.answer(Buffer.from("b"));
    expect((await answerTo(stream)).body).toEqual(framed(Buffer.from("b")));
    await closed;
  });

  it("says which call was the last one that it takes, and a client makes what comes after that elsewhere", async () => {
    const { port: other } = await serve({ "/s.S/Echo": echo });
    const begun = Promise.withResolvers<ServerCall>();
    const { grpc, port } = await serve({ "/s.S/All": (call) => begun.resolve(call), "/s.S/Echo": echo });
    const front = await frontOf([port, other]);
    const caller = client(front.port);
    const stream = caller.makeBidiStreamRequest("/s.S/All", unchanged, unchanged);
    const [first] = await Promise.all([begun.promise, unary(caller, "/s.S/Echo", Buffer.from("a"))]);
    const told: Buffer[] = [];
    stream.on("data", (bytes: Buffer) => told.push(bytes));
    const ended = once(stream, "end");
    // These leave the client before the server's word is there.
    const onTheirWay = ["b", "c"].map((text) => unary(caller, "/s.S/Echo", Buffer.from(text)));
    grpc.drain();
    expect(await Promise.all(onTheirWay)).toEqual([Buffer.from("b"), Buffer.from("c")]);
    expect(front.connections()).toBe(2);
    first.send(Buffer.from("d"));
    first.finish();
    await ended;
    expect(told).toEqual([Buffer.from("d")]);
  });

  it("leaves a client that comes too late to another server, which serves its calls", async () => {
    const { port: other } = await serve({ "/s.S/Echo": echo });
    const { grpc, port } = await serve({ "/s.S/Echo": () => expect.unreachable() });
    grpc.drain();
    const front = await frontOf([port, other]);
    const calls = ["a", "b"].map((text) => unary(client(front.port), "/s.S/Echo", Buffer.from(text)));
    expect(await Promise.all(calls)).toEqual([Buffer.from("a"), Buffer.from("b")]);
    expect(front.connections()).toBeGreaterThan(1);
  });
});
