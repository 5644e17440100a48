import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";

const preload = fileURLToPath(new URL("../../packages/server/src/drill/member-routes.ts", import.meta.url));
const undo: (() => void)[] = [];

afterAll(() => {
  for (const step of undo) step();
});

/** Answers over TCP and UDP with its name. */
async function place(name: string): Promise<number> {
  const server = createServer((_, response) => response.end(name));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(port, "127.0.0.1", resolve));
  socket.on("message", (_, from) => socket.send(name, from.port, from.address));
  undo.push(
    () => server.close(),
    () => socket.close(),
  );
  return port;
}

/** Asks a port in all the ways there are to connect and to send. */
const program = `
import { createSocket } from "node:dgram";
import { connect, Socket } from "node:net";
const port = Number(process.argv[1]);
const answerOf = (socket) => new Promise((resolve, reject) => {
  let text = "";
  socket.on("data", (chunk) => (text += chunk)).on("end", () => resolve(text.split("\\r\\n\\r\\n")[1])).on("error", reject);
  socket.write("GET / HTTP/1.0\\r\\n\\r\\n");
});
const sent = (...args) => new Promise((resolve) => {
  const socket = createSocket("udp4");
  socket.once("message", (bytes) => { socket.close(); resolve(String(bytes)); });
  socket.send(Buffer.from("xhix"), ...args);
});
console.log(JSON.stringify([
  await answerOf(connect(port, "127.0.0.1")),
  await answerOf(connect({ port, host: "127.0.0.1" })),
  await answerOf(new Socket().connect({ port, host: "127.0.0.1" })),
  await (await fetch("http://127.0.0.1:" + port)).text(),
  await sent(port, "127.0.0.1"),
  await sent(1, 2, port, "127.0.0.1", () => undefined),
]));
`;

async function answers(port: number, routes: object): Promise<unknown> {
  const line = ["--import", preload, "--input-type=module", "--eval", program, String(port)];
  const env = { ...process.env, HOLDFAST_DRILL_ROUTES: JSON.stringify(routes) };
  return JSON.parse((await promisify(execFile)(process.execPath, line, { env })).stdout);
}

it("what a member sends to another goes where its routes say, and everything else where it should", async () => {
  const [real, proxy, other] = await Promise.all([place("real"), place("proxy"), place("other")]);
  const routes = { tcp: { [`127.0.0.1:${real}`]: proxy }, udp: { [`127.0.0.1:${real}`]: proxy } };
  const [routed, direct] = await Promise.all([answers(real, routes), answers(other, routes)]);
  expect([routed, direct]).toEqual([Array(6).fill("proxy"), Array(6).fill("other")]);
});
