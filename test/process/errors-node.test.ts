import { execFile, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { lookup, Resolver } from "node:dns/promises";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import {
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rmdir,
  symlink,
  writeFile,
} from "node:fs/promises";
import { once } from "node:events";
import { createServer as createHttpServer, get } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { connect as connectTls, createServer as createTlsServer, rootCertificates } from "node:tls";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { builtInClassifiers, reviveError } from "holdfast/errors";
import { platformError } from "holdfast/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { caught, ClassifiedRows } from "../clients/classified-rows.ts";
import { certificateRows, fileRows, limitRows, networkRows } from "./kernel-rows.ts";

const rows = new ClassifiedRows(builtInClassifiers.find(({ system }) => system === "node")!);
const directory = mkdtempSync(join(tmpdir(), "holdfast-errors-"));
const file = join(directory, "file");
const closing: (() => unknown)[] = [];

beforeAll(() => writeFileSync(file, "text"));

afterAll(async () => {
  for (const close of closing) await close();
  rmSync(directory, { recursive: true });
});

async function serve(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  return listening(server);
}

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket.on("close", () => sockets.delete(socket))));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The `error` of an emitter. */
async function failed(emitter: NodeJS.EventEmitter): Promise<unknown> {
  return new Promise((resolve) => emitter.once("error", resolve));
}

function request(port: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    get({ port, host: "127.0.0.1", agent: false }, resolve).on("error", reject);
  });
}

describe("errors of files", () => {
  it.each<[string, () => unknown]>([
    ["ENOENT", () => readFile(join(directory, "none"))],
    ["EEXIST", () => mkdir(directory)],
    ["EISDIR", () => readFile(directory)],
    ["ENOTDIR", () => readdir(file)],
    ["ENOTEMPTY", () => rmdir(directory)],
    ["ENAMETOOLONG", () => readFile(join(directory, "a".repeat(300)))],
    ["EINVAL", () => readlink(file)],
    ["EPERM", () => link(directory, join(directory, "linked"))],
    ["EACCES", () => spawnSync(file).error ?? 0],
    ["EXDEV", () => rename(file, "/dev/shm/holdfast-errors")],
    ["EBUSY", () => rmdir("/proc")],
    ["ETXTBSY", () => open(process.execPath, "r+")],
    ["ENOSPC", () => writeFile("/dev/full", "x")],
    ["ESRCH", () => process.kill(2 ** 22 - 1, 0)],
    ["ERR_INVALID_*", () => open(7 as never)],
    ["ERR_OUT_OF_RANGE", () => Buffer.alloc(1).readUInt8(9)],
  ])("%s", async (code, call) => {
    const error = await caught(async () => {
      const result = await call();
      if (result instanceof Error) throw result;
    });
    rows.expectRow(error, code);
  });

  it("ELOOP", async () => {
    await symlink("loop", join(directory, "loop"));
    expect((await lstat(join(directory, "loop"))).isSymbolicLink()).toBe(true);
    rows.expectRow(await caught(() => readFile(join(directory, "loop"))), "ELOOP");
  });

  it("EBADF", async () => {
    const descriptor = openSync(file, "r");
    closeSync(descriptor);
    rows.expectRow(await caught(() => writeSync(descriptor, "x")), "EBADF");
  });

  it("EIO", async () => {
    const memory = await open("/proc/self/mem");
    const error = await caught(() => memory.read(Buffer.alloc(1), 0, 1, 0));
    await memory.close();
    rows.expectRow(error, "EIO");
  });

  it("EMFILE, where no more files may be open", async () => {
    const script = `
      import { openSync } from "node:fs";
      import { classify } from "holdfast/errors";
      try { for (;;) openSync("/dev/null"); } catch (error) {
        console.log(JSON.stringify(classify(error)));
      }`;
    const command = 'ulimit -n 64; exec "$0" --conditions=source --input-type=module -e "$1"';
    const { stdout } = await promisify(execFile)("sh", ["-c", command, process.execPath, script], {
      cwd: join(import.meta.dirname, ".."),
    });
    rows.expectRow(reviveError(JSON.parse(stdout)), "EMFILE");
  });

  it("ERR_CHILD_PROCESS_STDIO_MAXBUFFER", async () => {
    const error = await caught(() => promisify(execFile)("echo", ["12345678"], { maxBuffer: 4 }));
    rows.expectRow(error, "ERR_CHILD_PROCESS_STDIO_MAXBUFFER");
  });

  it("ELOCKED, as the runtime gives it", () => {
    rows.expectRow(platformError("ELOCKED", "lock", directory), "ELOCKED");
  });
});

describe("errors of connections", () => {
  it("ECONNREFUSED", async () => {
    const port = await freePort();
    const failure = rows.expectRow(await failed(connect(port, "127.0.0.1")), "ECONNREFUSED");
    expect([failure.effect, failure.retryable, failure.kind]).toEqual(["none", true, "network"]);
    expect(failure.context).toMatchObject({ syscall: "connect", address: "127.0.0.1", port });
  });

  it("ECONNREFUSED of both addresses of a name, in one AggregateError", async () => {
    const error = await failed(connect(await freePort(), "localhost"));
    rows.expectRow(error, "ECONNREFUSED");
  });

  it("ECONNRESET", async () => {
    const port = await serve((socket) => socket.resetAndDestroy());
    const socket = connect(port, "127.0.0.1");
    const failure = rows.expectRow(await failed(socket), "ECONNRESET");
    expect([failure.effect, failure.retryable]).toEqual(["unknown", true]);
  });

  it("EPIPE", async () => {
    const child = execFile(process.execPath, ["-e", "process.stdin.destroy(); setTimeout(() => {}, 5000)"]);
    closing.push(() => child.kill("SIGKILL"));
    const error = await new Promise((resolve) => {
      child.stdin!.on("error", resolve);
      const write = (): void => {
        if (!child.stdin!.destroyed) child.stdin!.write("x".repeat(65_536), () => setImmediate(write));
      };
      write();
    });
    rows.expectRow(error, "EPIPE");
  });

  it("ENETUNREACH", async () => {
    rows.expectRow(await failed(connect(9, "255.255.255.255")), "ENETUNREACH");
  });

  it("EMSGSIZE", async () => {
    const socket = createSocket("udp4");
    closing.push(() => socket.close());
    const error = await new Promise((resolve) => socket.send(Buffer.alloc(70_000), 9, "127.0.0.1", resolve));
    rows.expectRow(error, "EMSGSIZE");
  });

  it("EADDRINUSE and EADDRNOTAVAIL", async () => {
    const port = await serve(() => {});
    rows.expectRow(await failed(createServer().listen(port, "127.0.0.1")), "EADDRINUSE");
    rows.expectRow(await failed(createServer().listen(0, "192.0.2.1")), "EADDRNOTAVAIL");
  });

  it("ERR_SERVER_NOT_RUNNING", async () => {
    const error = await new Promise((resolve) => createServer().close(resolve));
    rows.expectRow(error, "ERR_SERVER_NOT_RUNNING");
  });
});

it("ETIMEDOUT of a connection, as ioredis gives it", async () => {
  // To be connected with TLS, which the server does not begin.
  const port = await serve(() => {});
  const hasty = new Redis({ port, host: "127.0.0.1", connectTimeout: 50, tls: {}, lazyConnect: true });
  hasty.on("error", () => {});
  const failing = failed(hasty);
  await hasty.connect().catch(() => {});
  const failure = rows.expectRow(await failing, "ETIMEDOUT connect");
  hasty.disconnect();
  expect([failure.kind, failure.effect]).toEqual(["timeout", "none"]);
});

describe("errors of names", () => {
  it("ENOTFOUND", async () => {
    const failure = rows.expectRow(await caught(() => lookup("nowhere.invalid")), "ENOTFOUND");
    expect(failure.context).toMatchObject({ hostname: "nowhere.invalid" });
  });

  /** A name server that answers with this response code, or not at all. */
  async function resolver(responseCode: number | undefined): Promise<Resolver> {
    const socket = createSocket("udp4");
    closing.push(() => socket.close());
    socket.on("message", (query, { port, address }) => {
      if (responseCode === undefined) return;
      const answer = Buffer.from(query);
      answer[2] = 0x81;
      answer[3] = 0x80 | responseCode;
      socket.send(answer, port, address);
    });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    const made = new Resolver({ timeout: 50, tries: 1 });
    made.setServers([`127.0.0.1:${socket.address().port}`]);
    return made;
  }

  it.each<[string, number | undefined]>([
    ["ESERVFAIL", 2],
    ["EREFUSED", 5],
    ["ENODATA", 0],
    ["ETIMEOUT", undefined],
  ])("%s", async (code, responseCode) => {
    const made = await resolver(responseCode);
    rows.expectRow(await caught(() => made.resolve4("name.example")), code);
  });

  it("ECANCELLED", async () => {
    const made = await resolver(undefined);
    const pending = caught(() => made.resolve4("name.example"));
    made.cancel();
    rows.expectRow(await pending, "ECANCELLED");
  });
});

describe("errors of TLS", () => {
  const key = join(directory, "key.pem");
  const certificate = join(directory, "cert.pem");
  let port = 0;

  beforeAll(async () => {
    const subject = ["-subj", "/CN=somebody.example", "-days", "1"];
    const made = spawnSync(
      "openssl",
      ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, ...subject],
      { encoding: "utf8" },
    );
    expect(made.status, made.stderr).toBe(0);
    const server = createTlsServer({ key: await readFile(key), cert: await readFile(certificate) }, (socket) => {
      socket.on("error", () => {});
    });
    server.on("tlsClientError", () => {});
    port = await listening(server);
  });

  it("DEPTH_ZERO_SELF_SIGNED_CERT", async () => {
    const error = await failed(connectTls({ port, host: "127.0.0.1", ca: [...rootCertificates].slice(0, 1) }));
    rows.expectRow(error, "DEPTH_ZERO_SELF_SIGNED_CERT");
  });

  it("ERR_TLS_CERT_ALTNAME_INVALID", async () => {
    const ca = await readFile(certificate);
    const failure = rows.expectRow(
      await failed(connectTls({ port, host: "127.0.0.1", ca })),
      "ERR_TLS_CERT_ALTNAME_INVALID",
    );
    expect([failure.kind, failure.retryable]).toEqual(["network", false]);
  });

  it("ERR_SSL_*, where the other side does not speak TLS", async () => {
    const plain = await serve((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    rows.expectRow(await failed(connectTls({ port: plain, host: "127.0.0.1" })), "ERR_SSL_*");
  });

  it("ERR_TLS_HANDSHAKE_TIMEOUT", async () => {
    const server = createTlsServer({ handshakeTimeout: 50 });
    const quiet = await listening(server);
    const noticed = once(server, "tlsClientError");
    const socket = connect(quiet, "127.0.0.1");
    socket.on("error", () => {});
    const [error] = (await noticed) as unknown[];
    socket.destroy();
    rows.expectRow(error, "ERR_TLS_HANDSHAKE_TIMEOUT");
  });
});

describe("errors of HTTP and streams", () => {
  it("HPE_*", async () => {
    const port = await serve((socket) => socket.end("this is no HTTP\r\n\r\n"));
    rows.expectRow(await caught(() => request(port)), "HPE_*");
  });

  it("ECONNRESET of a server that hangs up", async () => {
    const port = await serve((socket) => socket.on("data", () => socket.end()));
    rows.expectRow(await caught(() => request(port)), "ECONNRESET");
  });

  it("ERR_HTTP2_*", async () => {
    const server = createHttp2Server();
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.close(2);
    });
    const port = await listening(server);
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ":path": "/" });
    const error = await failed(stream);
    session.destroy();
    rows.expectRow(error, "ERR_HTTP2_*");
  });

  it("ERR_STREAM_PREMATURE_CLOSE", async () => {
    const source = new Readable({ read() {} });
    const piped = caught(() => pipeline(source, new PassThrough()));
    source.destroy();
    rows.expectRow(await piped, "ERR_STREAM_PREMATURE_CLOSE");
  });

  it("ERR_STREAM_WRITE_AFTER_END and ERR_STREAM_DESTROYED", async () => {
    const ended = new Writable({ write: (_chunk, _encoding, done) => done() });
    ended.end();
    const afterEnd = await new Promise((resolve) => ended.on("error", resolve).write("x"));
    rows.expectRow(afterEnd, "ERR_STREAM_WRITE_AFTER_END");
    const destroyed = new PassThrough();
    destroyed.destroy();
    rows.expectRow(await new Promise((resolve) => destroyed.write("x", resolve)), "ERR_STREAM_DESTROYED");
  });

  it("ERR_SOCKET_CLOSED", async () => {
    const port = await serve(() => {});
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
    const error = await new Promise((resolve) => socket._write("x", "utf8", (problem) => resolve(problem)));
    rows.expectRow(error, "ERR_SOCKET_CLOSED");
  });

  it("ERR_ASSERTION and ABORT_ERR", async () => {
    const { default: assert } = await import("node:assert");
    rows.expectRow(await caught(() => assert.equal(1, 2)), "ERR_ASSERTION");
    const error = await caught(() => readFile(file, { signal: AbortSignal.abort() }));
    rows.expectRow(error, "ABORT_ERR");
  });

  it("ERR_IPC_CHANNEL_CLOSED", async () => {
    const { fork } = await import("node:child_process");
    const child = fork("-e", [], { execArgv: ["-e", "0"], stdio: "ignore" });
    await once(child, "exit");
    rows.expectRow(await new Promise((resolve) => child.send("x", resolve)), "ERR_IPC_CHANNEL_CLOSED");
  });

  it("a timeout of a request's socket is a hang-up", async () => {
    const server = createHttpServer(() => {});
    const port = await listening(server);
    const error = await new Promise((resolve) => {
      const asked = get({ port, host: "127.0.0.1", agent: false, timeout: 30 });
      asked.on("timeout", () => asked.destroy()).on("error", resolve);
    });
    server.closeAllConnections();
    rows.expectRow(error, "ECONNRESET");
  });
});

it("every row of the table was provoked, or is listed as one that cannot be", () => {
  rows.expectAll([...limitRows, ...networkRows, ...fileRows, ...certificateRows]);
});
