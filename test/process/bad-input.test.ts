import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { connect as connectHttp2, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { gatewayClient } from "../../packages/server/src/client/gateway-client.ts";
import { startEtcd, type Endpoint } from "../clients/endpoint.ts";
import { run, until } from "./holdfast-command.ts";
import { cleanUp, line, place, running, stop, type Place } from "./lone-node.ts";

const text = (value: string): Uint8Array => Buffer.from(value);
const eight = Array.from({ length: 8 }, (_, at) => `n${at + 1}=127.0.0.1:${1 + at}`).join();

describe("a node that is started wrongly says what is wrong, and touches nothing", () => {
  afterEach(cleanUp);

  it.each<[string, (where: Place) => string[], number, (where: Place) => string]>([
    ["an option nobody knows", (at) => [...line(at), "--hearbeat-ms", "50"], 2, () => "did you mean --heartbeat-ms?"],
    ["more than seven members", () => ["up", "--nodes", "8"], 2, () => '--nodes must be an integer 1..7 (got "8")'],
    [
      "more than seven members by name",
      (at) => ["node", "--name", "n1", "--data", at.data, "--cluster", eight],
      2,
      () => "cluster.members must be 1 to 7 (got 8)",
    ],
    [
      "two members of one name",
      (at) => ["node", "--name", "n1", "--data", at.data, "--cluster", "n1=a:1,n1=b:1"],
      2,
      () => '--cluster names "n1" twice',
    ],
    [
      "two members at one address",
      (at) => ["node", "--name", "n1", "--data", at.data, "--cluster", "n1=a:1,n2=a:1"],
      2,
      () => 'cluster.members[1].peer must be unique (got "a:1")',
    ],
    [
      "an election timeout below two heartbeats",
      (at) => [...line(at), "--heartbeat-ms", "400"],
      2,
      () => "--election-timeout-ms must be at least twice --heartbeat-ms 400 (got 500)",
    ],
    [
      "a directory where nothing can be made",
      (at) => line({ ...at, data: "/proc/holdfast" }),
      3,
      () => "the data directory /proc/holdfast cannot be written (ENOENT); name another one: --data DIR",
    ],
    [
      "an address of another machine",
      (at) => [...line(at), "--client", "192.0.2.1:2379"],
      3,
      () => "192.0.2.1 is no address of this machine; choose another: --client HOST:PORT",
    ],
  ])("%s", async (_, command, code, message) => {
    const where = await place();
    const result = await run(command(where));
    expect(result.stderr).toContain(message(where));
    expect([result.code, result.stdout]).toEqual([code, ""]);
  });
});

describe("a data directory", () => {
  afterEach(cleanUp);

  /** Writes so many keys and stops; returns the log's only segment. */
  async function filled(where: Place, keys: number): Promise<string> {
    const node = await running(where);
    const client = gatewayClient({ endpoints: [where.url], timeoutMs: 10_000 });
    for (let key = 0; key < keys; key++) await client.put({ key: text(`key-${key}`), value: text(`value-${key}`) });
    client.close();
    await stop(node);
    const [segment, ...more] = readdirSync(where.data).filter((name) => name.endsWith(".log"));
    expect(more).toEqual([]);
    return join(where.data, segment ?? "");
  }

  it("of another cluster is refused and left as it is", async () => {
    const where = await place();
    const segment = await filled(where, 1);
    const before = readFileSync(segment);
    const { code, stderr } = await run([...line(where), "--cluster-name", "other"]);
    expect(code).toBe(3);
    expect(stderr).toContain(`${segment} belongs to member`);
    expect(stderr).toContain("name n1's own directory: --data DIR");
    expect(readFileSync(segment).equals(before)).toBe(true);
  });

  it("with a byte turned in the middle of many records is refused, with the file and the place", async () => {
    const where = await place();
    const segment = await filled(where, 200);
    const bytes = readFileSync(segment);
    const at = bytes.indexOf("value-100");
    expect(at).toBeGreaterThan(1000);
    bytes[at] = bytes[at]! ^ 0x10;
    writeFileSync(segment, bytes);
    const { code, stdout, stderr } = await run(line(where));
    expect([code, stdout]).toEqual([3, ""]);
    const [, file, offset] = /holdfast: (.+) is corrupt at offset (\d+): /.exec(stderr) ?? [];
    expect(file).toBe(segment);
    // The record that holds the byte begins a little before it.
    expect(at - Number(offset)).toBeGreaterThanOrEqual(0);
    expect(at - Number(offset)).toBeLessThan(200);
    expect(readFileSync(segment).equals(bytes)).toBe(true);
  });

  it.each<[string, (file: string, from: number, end: number) => void]>([
    ["cut in the middle of its last record", (file, from) => truncateSync(file, from)],
    ["torn in its last record", (file, from, end) => writeFileSync(file, readFileSync(file).fill(0, from, end))],
  ])("whose log was %s starts, with everything before", async (_, tear) => {
    const where = await place();
    const segment = await filled(where, 20);
    const bytes = readFileSync(segment);
    const from = bytes.lastIndexOf("value-19") + 4;
    // What the log has reserved for later is zeros.
    const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
    expect(end - from).toBeLessThan(50);
    tear(segment, from, end);
    await running(where);
    const client = gatewayClient({ endpoints: [where.url], timeoutMs: 10_000 });
    const { pairs } = await client.range({ key: text("key-"), rangeEnd: text("key.") });
    expect(pairs.map((pair) => Buffer.from(pair.value).toString()).toSorted()).toEqual(
      Array.from({ length: 19 }, (_, at) => `value-${at}`).toSorted(),
    );
    expect((await client.put({ key: text("key-19"), value: text("again") })).header.revision).toBeGreaterThan(19);
    client.close();
  });
});

describe("what arrives at a running member's ports", () => {
  let where: Place;
  let etcd: Endpoint;

  beforeAll(async () => {
    where = await place();
    [etcd] = await Promise.all([startEtcd(), running(where)]);
    await until("the member leads", 10_000, async () => (await fetch(`${where.url}/health`)).ok);
  });

  afterAll(async () => {
    await etcd?.close();
    await cleanUp();
  });

  afterEach(async () => {
    const health = await fetch(`${where.url}/health`);
    expect(await health.text()).toBe('{"health":"true"}');
    const put = await fetch(`${where.url}/v3/kv/put`, { method: "POST", body: '{"key":"YQ==","value":"Yg=="}' });
    expect(put.status).toBe(200);
  });

  /** Sends bytes and waits until the other side has closed; returns what it said. */
  function send(port: number, bytes: Uint8Array): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket: Socket = connect(port, "127.0.0.1");
      let said = "";
      socket.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")));
      socket.on("error", () => undefined);
      socket.setTimeout(10_000, () => {
        socket.destroy();
        reject(new Error(`still open after 10 s, having said ${JSON.stringify(said.slice(0, 200))}`));
      });
      socket.on("close", () => resolve(said));
      socket.write(bytes);
    });
  }

  const noise = Uint8Array.from({ length: 5000 }, (_, at) => (at * 7919 + (at >> 3)) & 0xff);
  const preface = text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };

  it.each<[string, number, Uint8Array, RegExp]>([
    ["noise at the client port", 0, noise, /^HTTP\/1\.1 400 /],
    ["noise after HTTP/2's preface", 0, Buffer.concat([preface, noise]), /^[^]*$/],
    ["a wrong end of the preface", 0, text("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"), /^[^]*$/],
    ["a header without end", 0, text(`GET / HTTP/1.1\r\nx: ${"y".repeat(100_000)}`), /^HTTP\/1\.1 431 /],
    ["noise at the HTTP port", 2, noise, /^HTTP\/1\.1 400 /],
    ["noise at the peer port", 1, noise, /^$/],
    ["HTTP at the peer port", 1, text("GET /health HTTP/1.1\r\nHost: x\r\n\r\n"), /^$/],
    ["a frame too long at the peer port", 1, u32(65 * 1024 * 1024), /^$/],
    ["half a frame at the peer port", 1, Buffer.concat([u32(100), noise.subarray(0, 20)]), /^$/],
  ])("%s is turned away", async (_, offset, bytes, answer) => {
    expect(await send(where.port + offset, bytes)).toMatch(answer);
  });

  it("a peer of another cluster is told so", async () => {
    const caller = text("127.0.0.1:1");
    const cluster = Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0);
    const ids = Uint8Array.of(1, 1);
    const address = Buffer.concat([Uint8Array.of(caller.length), caller]);
    const payload = Buffer.concat([u32(0x48465031), Uint8Array.of(2), cluster, ids, address]);
    const said = await send(where.port + 1, Buffer.concat([u32(payload.length), payload]));
    expect(said).toMatch(/this is cluster [0-9a-f]+, not 9$/);
  });

  interface GrpcEnd {
    readonly code: string;
    readonly message: string;
  }

  /** One unary call with these bytes as its message, over HTTP/2 by hand. */
  async function grpc(address: string, path: string, message: Uint8Array): Promise<GrpcEnd> {
    const session: ClientHttp2Session = connectHttp2(`http://${address}`);
    try {
      return await new Promise<GrpcEnd>((resolve, reject) => {
        session.on("error", reject);
        const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
        const stream = session.request(headers);
        // Where there is no answer, etcd's end comes with the headers instead of after them.
        const note = (given: IncomingHttpHeaders): void => {
          const { "grpc-status": code, "grpc-message": message } = given;
          if (typeof code !== "string") return;
          resolve({ code, message: decodeURIComponent(typeof message === "string" ? message : "") });
        };
        stream.on("response", note).on("trailers", note).on("error", reject).resume();
        const prefix = Buffer.alloc(5);
        prefix.writeUInt32BE(message.length, 1);
        stream.end(Buffer.concat([prefix, message]));
      });
    } finally {
      session.destroy();
    }
  }

  /** A put request in protobuf: key "a" and a value of so many bytes. */
  function putOf(bytes: number): Uint8Array {
    const length: number[] = [];
    for (let left = bytes; left > 0; left = Math.floor(left / 128)) length.push((left & 127) | (left > 127 ? 128 : 0));
    return Buffer.concat([Buffer.from([10, 1, 97, 18, ...length]), Buffer.alloc(bytes, 120)]);
  }

  it.each<[string, string, Uint8Array, string, RegExp]>([
    ["a put", "KV/Put", putOf(10), "0", /^(OK)?$/],
    ["a put above 1.5 MiB", "KV/Put", putOf(1_600_000), "3", /^etcdserver: request is too large$/],
    ["a message above the limit", "KV/Put", putOf(3_000_000), "8", /larger than max/],
    ["a field cut short", "KV/Put", Uint8Array.of(10, 50, 97), "13", /^grpc: error unmarshalling request: /],
    ["a wire type nobody knows", "KV/Range", Uint8Array.of(15, 1, 2, 3), "13", /^grpc: error unmarshalling request: /],
    ["an empty key", "KV/Put", new Uint8Array(0), "3", /^etcdserver: key is not provided$/],
    ["a method nobody knows", "KV/Nothing", new Uint8Array(0), "12", /Nothing/],
  ])("gRPC: %s ends as with etcd", async (_, method, message, code, reason) => {
    const path = `/etcdserverpb.${method}`;
    const ours = await grpc(`127.0.0.1:${where.port}`, path, message);
    const theirs = await grpc(etcd.client, path, message);
    expect([ours.code, theirs.code]).toEqual([code, code]);
    expect(ours.message).toMatch(reason);
    expect(theirs.message).toMatch(reason);
  });
});
