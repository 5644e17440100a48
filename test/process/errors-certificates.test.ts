import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createPlainServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer, type ConnectionOptions, type TlsOptions } from "node:tls";
import { builtInClassifiers } from "holdfast/errors";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ClassifiedRows } from "../clients/classified-rows.ts";
import { certificateRows } from "./kernel-rows.ts";

const node = new ClassifiedRows(builtInClassifiers.find(({ system }) => system === "node")!);
const directory = mkdtempSync(join(tmpdir(), "holdfast-certificates-"));
const servers: Server[] = [];
const sockets: Socket[] = [];

beforeAll(() => {
  openssl("req", "-x509", ...newKey("ca"), "-out", "ca.pem", "-days", "1", "-subj", "/CN=the authority");
  openssl("req", ...newKey("leaf"), "-out", "leaf.csr", "-subj", "/CN=somebody.example");
  const signed = ["-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
  openssl("x509", ...signed, "-out", "leaf.pem", "-days", "1");
  openssl("x509", ...signed, "-out", "old.pem", "-days", "-1");
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(directory, { recursive: true });
});

function newKey(name: string): readonly string[] {
  return ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`];
}

function openssl(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("openssl", args, { encoding: "utf8", cwd: directory });
  expect(status, error?.message ?? stderr).toBe(0);
}

const pem = (name: string): string => readFileSync(join(directory, name), "utf8");

async function listening(server: Server): Promise<number> {
  servers.push(server.listen(0, "127.0.0.1"));
  server.on("connection", (socket: Socket) => sockets.push(socket));
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** What a client meets of a server with this certificate. */
async function met(cert: string, options: ConnectionOptions = {}): Promise<unknown> {
  const offered: TlsOptions = { key: pem("leaf.key"), cert };
  const server = createServer(offered, (socket) => socket.on("error", () => {}));
  server.on("tlsClientError", () => {});
  const port = await listening(server);
  const socket = connect({ port, host: "127.0.0.1", ...options });
  return new Promise((resolve) => socket.once("error", resolve));
}

it("CERT_HAS_EXPIRED", async () => {
  const failure = node.expectRow(await met(pem("old.pem"), { ca: pem("ca.pem") }), "CERT_HAS_EXPIRED");
  expect([failure.kind, failure.retryable, failure.effect]).toEqual(["network", false, "none"]);
});

it("SELF_SIGNED_CERT_IN_CHAIN: the server shows its authority, which the client does not know", async () => {
  node.expectRow(await met(pem("leaf.pem") + pem("ca.pem")), "SELF_SIGNED_CERT_IN_CHAIN");
});

it("UNABLE_TO_VERIFY_LEAF_SIGNATURE: the server does not even show it", async () => {
  node.expectRow(await met(pem("leaf.pem")), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
});

it("EPROTO: what was written meets a server that does not speak TLS", async () => {
  const plain = createPlainServer((socket) => {
    socket.on("error", () => {});
    socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  const socket = connect({ port: await listening(plain), host: "127.0.0.1" });
  const failing = new Promise((resolve) => socket.once("error", resolve));
  socket.write("GET / HTTP/1.1\r\n\r\n");
  node.expectRow(await failing, "EPROTO");
});

it("these rows were provoked", () => node.expectOnly(certificateRows));
