import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { faultRegistry, type FaultParameters, type FaultRegistry, type LiveFault } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { faultProxy, type FaultProxy } from "../../packages/holdfast/src/adapters/fault-proxy/index.ts";

/** A proxy in front of a service of the test's own, and the faults of it. */
export interface Rig {
  readonly proxy: FaultProxy;
  readonly faults: FaultRegistry;
  /** What the service has got, by connection. */
  readonly received: Connection[];
  inject(kind: string, parameters?: FaultParameters, durationMs?: number): Promise<LiveFault>;
  close(): Promise<void>;
}

/** One side of a connection, with everything that happened to it. */
export class Connection {
  readonly socket: Socket;
  bytes = 0;
  hasEnded = false;
  error: string | undefined;
  readonly closed: Promise<void>;
  /** When each piece came. */
  readonly pieces: { readonly atMs: number; readonly bytes: Buffer }[] = [];
  #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.bytes += bytes.length;
      this.pieces.push({ atMs: performance.now(), bytes });
      this.#wake();
    });
    socket.on("end", () => {
      this.hasEnded = true;
      this.#wake();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => (this.error = error.code));
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        resolve();
        this.#wake();
      });
    });
  }

  get text(): string {
    return Buffer.concat(this.pieces.map(({ bytes }) => bytes)).toString("latin1");
  }

  /** Resolves once the condition holds; events of the connection make it look again. @throws after `timeoutMs` */
  async until(what: string, condition: () => boolean, timeoutMs = 5_000): Promise<void> {
    const giveUp = performance.now() + timeoutMs;
    while (!condition()) {
      if (performance.now() > giveUp) throw new Error(`${what}: not within ${timeoutMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 50);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Sends a text and waits for the same back: how long that took. */
  async roundTrip(text = "ping", timeoutMs = 5_000): Promise<number> {
    const from = this.bytes;
    const startedAt = performance.now();
    this.socket.write(text);
    await this.until(`an answer to ${text.slice(0, 20)}`, () => this.bytes >= from + text.length, timeoutMs);
    return performance.now() - startedAt;
  }

  #wake(): void {
    for (const waiting of this.#waiting.splice(0)) waiting();
  }
}

/** Connects; rejects with what the system said. */
export function dial(port: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    const connection = new Connection(socket);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(connection);
    });
  });
}

/** A service that sends everything back, or does what `serve` says, behind a TCP proxy. */
export async function tcpRig(
  serve: (connection: Connection) => void = ({ socket }) => void socket.pipe(socket),
  options: Partial<Parameters<typeof faultProxy>[0]> = {},
): Promise<Rig> {
  const received: Connection[] = [];
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = new Connection(socket);
    received.push(connection);
    serve(connection);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const upstream = { host: "127.0.0.1", port };
  const proxy = await faultProxy({ name: "echo", upstream, ...options });
  return rig(proxy, received, async () => {
    for (const { socket } of received) socket.destroy();
    await new Promise((done) => server.close(done));
  });
}

export interface UdpRig extends Rig {
  readonly client: UdpSocket;
  /** What came back to the client. */
  readonly answers: { readonly atMs: number; readonly text: string }[];
  send(text: string): void;
}

/** A service that sends every datagram back, behind a UDP proxy, and a client of it. */
export async function udpRig(options: Partial<Parameters<typeof faultProxy>[0]> = {}): Promise<UdpRig> {
  const bound = (socket: UdpSocket): Promise<number> =>
    new Promise((resolve) => socket.bind(0, "127.0.0.1", () => resolve(socket.address().port)));
  const server = createSocket("udp4");
  server.on("message", (bytes, from) => server.send(bytes, from.port, from.address));
  const proxy = await faultProxy({
    name: "echo",
    protocol: "udp",
    upstream: { host: "127.0.0.1", port: await bound(server) },
    allow: ["delay", "bandwidth", "loss", "duplication", "reordering", "clog", "partition", "blackHole", "corrupt"],
    ...options,
  });
  const client = createSocket("udp4");
  const answers: { atMs: number; text: string }[] = [];
  client.on("message", (bytes) => answers.push({ atMs: performance.now(), text: bytes.toString("latin1") }));
  await bound(client);
  const base = rig(proxy, [], () => {
    server.close();
    client.close();
    return Promise.resolve();
  });
  return { ...base, client, answers, send: (text) => client.send(text, proxy.address.port, "127.0.0.1") };
}

function rig(proxy: FaultProxy, received: Connection[], end: () => Promise<void>): Rig {
  const faults = faultRegistry({ clock: nodeRuntime().clock, targets: [proxy] });
  return {
    proxy,
    faults,
    received,
    inject: (kind, parameters = {}, durationMs = 30_000) =>
      faults.inject({ target: "echo", kind, parameters, durationMs }),
    async close() {
      await faults.close();
      await proxy.close();
      await end();
    },
  };
}
