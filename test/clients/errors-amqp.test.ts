import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as tcpConnect, createServer, type AddressInfo, type Socket } from "node:net";
import { promisify } from "node:util";
import { connect, type Channel, type ChannelModel, type ConfirmChannel } from "amqplib";
import { builtInClassifiers, classify } from "holdfast/errors";
import { afterAll, beforeAll, expect, it } from "vitest";
import { caught, ClassifiedRows } from "./classified-rows.ts";
import { startRabbit, type RealServer } from "./real-servers.ts";

const amqp = new ClassifiedRows(builtInClassifiers.find(({ system }) => system === "amqp")!);
const connections: ChannelModel[] = [];
let server: RealServer;
let url = "";

beforeAll(async () => {
  server = await startRabbit();
  url = `amqp://guest:guest@127.0.0.1:${server.port}`;
});

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close().catch(() => {})));
  await server.close();
});

async function connection(options: object = {}, address = url): Promise<ChannelModel> {
  const made = await connect(address, options);
  made.on("error", () => {});
  connections.push(made);
  return made;
}

async function channel(): Promise<Channel> {
  const made = await (await connection()).createChannel();
  made.on("error", () => {});
  return made;
}

it("404: a queue that is not there", async () => {
  const used = await channel();
  const failure = amqp.expectRow(await caught(() => used.checkQueue("none")), "404");
  expect([failure.kind, failure.retryable]).toEqual(["business", false]);
  amqp.expectRow(await caught(() => used.checkQueue("none")), "IllegalOperationError");
});

it("406: a queue of other properties", async () => {
  await (await channel()).assertQueue("durable", { durable: true });
  const used = await channel();
  amqp.expectRow(await caught(() => used.assertQueue("durable", { durable: false })), "406");
});

it("405: a queue of another connection alone", async () => {
  await (await channel()).assertQueue("exclusive", { exclusive: true });
  const used = await channel();
  amqp.expectRow(await caught(() => used.checkQueue("exclusive")), "405");
});

it("403: what is reserved, and a wrong password", async () => {
  const used = await channel();
  amqp.expectRow(await caught(() => used.assertQueue("amq.mine")), "403");
  const failure = amqp.expectRow(await caught(() => connection({}, url.replace("guest@", "wrong@"))), "login refused");
  expect(failure.code).toBe("UNAUTHENTICATED");
});

it("a host that is not there", async () => {
  amqp.expectRow(
    await caught(() => connection({}, `${url}/nowhere`)),
    "Expected ConnectionOpenOk; got <ConnectionClose channel:0>",
  );
});

it("530: two consumers of one tag", async () => {
  const made = await connection();
  const used = await made.createChannel();
  const failed = once(made, "error");
  used.on("error", () => {});
  await used.consume("durable", () => {}, { consumerTag: "same" });
  void used.consume("durable", () => {}, { consumerTag: "same" }).catch(() => {});
  const [error] = (await failed) as unknown[];
  amqp.expectRow(error, "530");
});

it("a confirmation refused", async () => {
  const used: ConfirmChannel = await (await connection()).createConfirmChannel();
  used.on("error", () => {});
  await used.assertQueue("short", { maxLength: 1, arguments: { "x-overflow": "reject-publish" } });
  used.sendToQueue("short", Buffer.from("1"));
  await used.waitForConfirms();
  const error = await new Promise((resolve) => used.sendToQueue("short", Buffer.from("2"), {}, resolve));
  const failure = amqp.expectRow(error, "message nacked");
  expect([failure.kind, failure.retryable]).toEqual(["resource", true]);
});

it("a closed channel with a message under way", async () => {
  const used = await (await connection()).createConfirmChannel();
  used.on("error", () => {});
  const confirmed = new Promise((resolve) => used.publish("none", "x", Buffer.from("x"), {}, resolve));
  amqp.expectRow(await confirmed, "channel closed");
});

it("503: an exchange of a type that is not there", async () => {
  const made = await connection();
  const failed = once(made, "error");
  const used = await made.createChannel();
  used.on("error", () => {});
  void used.assertExchange("x", "no-such-type").catch(() => {});
  const [error] = (await failed) as unknown[];
  amqp.expectRow(error, "503");
});

const [method, header, body] = [1, 2, 3];
const channelOpen = Buffer.from([0, 20, 0, 10, 0]);
const channelFlow = Buffer.from([0, 20, 0, 20, 1]);

/** `basic.publish` to the default exchange, to be delivered at once or not at all. */
const publishImmediately = Buffer.from([0, 60, 0, 40, 0, 0, 0, 1, 120, 2]);
const emptyContent = Buffer.concat([Buffer.from([0, 60]), Buffer.alloc(12)]);

it.each<[string, string, Buffer]>([
  ["501", "a frame without its end", frame(method, 0, channelOpen, 0)],
  ["504", "a channel that nobody opened", frame(method, 77, channelFlow)],
  ["505", "a body before its method", frame(body, 1, Buffer.from("x"))],
  [
    "540",
    "a demand for delivery at once",
    Buffer.concat([frame(method, 1, publishImmediately), frame(header, 1, emptyContent)]),
  ],
])("%s: %s", async (key, _what, bytes) => {
  const made = await connection();
  await made.createChannel();
  const failed = once(made, "error");
  streamOf(made).write(bytes);
  const [error] = (await failed) as unknown[];
  amqp.expectRow(error, key);
});

/** A frame of AMQP 0-9-1 (4.2.3), which ends with octet 206. */
function frame(type: number, channelNumber: number, payload: Buffer, end = 206): Buffer {
  const start = Buffer.alloc(7);
  start.writeUInt8(type, 0);
  start.writeUInt16BE(channelNumber, 1);
  start.writeUInt32BE(payload.length, 3);
  return Buffer.concat([start, payload, Buffer.from([end])]);
}

function streamOf(made: ChannelModel): Socket {
  return (made.connection as unknown as { readonly stream: Socket }).stream;
}

it("541: the broker's own process for a channel is killed", async () => {
  const made = await connection();
  await made.createChannel();
  const failed = once(made, "error");
  await evaluate("[exit(Channel, kill) || Channel <- rabbit_channel:list()]");
  const [error] = (await failed) as unknown[];
  const failure = amqp.expectRow(error, "541");
  expect([failure.kind, failure.retryable]).toEqual(["system", false]);
});

/** Runs Erlang in the broker. */
async function evaluate(expression: string): Promise<void> {
  const environment = readFileSync(`/proc/${readFileSync(`${server.directory}/pid`, "utf8").trim()}/environ`, "utf8");
  const env = Object.fromEntries(environment.split("\0").map((line) => line.split(/=(.*)/s).slice(0, 2)));
  await promisify(execFile)("/usr/lib/rabbitmq/bin/rabbitmqctl", ["eval", `${expression}.`], { env });
}

it("a connection that ends without a word, with a request under way", async () => {
  const sockets: Socket[] = [];
  const relay = createServer((socket) => {
    sockets.push(socket);
    const onward = tcpConnect(server.port, "127.0.0.1").on("error", () => {});
    onward.pipe(socket.on("error", () => {})).pipe(onward);
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  const made = await connection({}, url.replace(`:${server.port}`, `:${(relay.address() as AddressInfo).port}`));
  const used = await made.createChannel();
  used.on("error", () => {});
  const failed = once(made, "error");
  for (const socket of sockets) socket.unpipe().end();
  const asked = caught(() => used.assertQueue("late"));
  const [error] = (await failed) as unknown[];
  amqp.expectRow(error, "Unexpected close");
  amqp.expectRow(await asked, "Channel ended, no reply will be forthcoming");
  for (const socket of sockets) socket.destroy();
  relay.close();
});

/** A peer that says this and then hangs up, or stays silent. */
async function peer(says: Buffer | undefined): Promise<string> {
  const nonsense = createServer((socket) => {
    socket.on("error", () => {});
    if (says !== undefined) socket.end(says);
  });
  nonsense.listen(0, "127.0.0.1").unref();
  await once(nonsense, "listening");
  return `amqp://127.0.0.1:${(nonsense.address() as AddressInfo).port}`;
}

it("a handshake that is broken off", async () => {
  const address = await peer(Buffer.alloc(0));
  amqp.expectRow(await caught(() => connect(address)), "Socket closed abruptly during opening handshake");
});

it("a handshake that takes too long", async () => {
  const address = await peer(undefined);
  const error = await caught(() => connect(address, { timeout: 50 }));
  expect(classify(error)).toMatchObject({ rule: "node ETIMEDOUT connect", kind: "timeout", effect: "none" });
});

it("nobody listens", async () => {
  expect(classify(await caught(() => connect("amqp://127.0.0.1:9")))).toMatchObject({ rule: "node ECONNREFUSED" });
});

it("a server that stands still is noticed by its heartbeat", async () => {
  const made = await connection({}, `${url}?heartbeat=1`);
  const failed = once(made, "error");
  signalServer("SIGSTOP");
  const [error] = (await failed) as unknown[];
  signalServer("SIGCONT");
  amqp.expectRow(error, "Heartbeat timeout");
});

it("a server that is killed with a request under way", async () => {
  const made = await connection();
  const used = await made.createChannel();
  used.on("error", () => {});
  const failed = once(made, "error");
  signalServer("SIGSTOP");
  const asked = caught(() => used.assertQueue("late"));
  await server.close();
  const [error] = (await failed) as unknown[];
  expect(classify(error)).toMatchObject({ kind: "network", code: "CONNECTION_LOST", effect: "unknown" });
  const rule = classify(error).rule ?? "";
  if (rule.startsWith("amqp ")) amqp.expectRow(error, rule.slice(5));
  expect(classify(await asked)).toMatchObject({ kind: "network", code: "CONNECTION_LOST" });
});

it("320: a server that is shut down", async () => {
  const other = await startRabbit();
  const made = await connection({}, url.replace(`${server.port}`, `${other.port}`));
  const closed = once(made, "close");
  process.kill(Number(readFileSync(`${other.directory}/pid`, "utf8")), "SIGTERM");
  const [error] = (await closed) as unknown[];
  await other.close();
  amqp.expectRow(error, "320");
});

it("every row was provoked, or is listed as one that cannot be", () => amqp.expectAll());

/** To the Erlang machine itself: the process that was started is a script around it. */
function signalServer(signal: NodeJS.Signals): void {
  process.kill(Number(readFileSync(`${server.directory}/pid`, "utf8")), signal);
}
