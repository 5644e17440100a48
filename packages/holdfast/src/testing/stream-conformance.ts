import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import type { Connection, Listener, Runtime } from "../runtime/index.ts";
import { declareTests, type RuntimeContext, type RuntimeSuite } from "./conformance-suite.ts";
import { receive, until } from "./received-stream.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Listens, connects, and hands out both ends, the server's in the turn in which it was got. */
async function pair(
  runtime: Runtime,
  { host, peer }: RuntimeContext,
  onServer: (server: Connection) => void,
): Promise<{ client: Connection; listener: Listener }> {
  const listener = await runtime.network.listen({ host, port: 0 }, onServer);
  const client = await peer.network.connect({ host, port: listener.address.port });
  return { client, listener };
}

export function streamConformance(suite: RuntimeSuite): void {
  declareTests(suite, "streams", {
    async "carry bytes both ways, in order"(runtime, context) {
      const { client } = await pair(runtime, context, (server) => {
        server.handle({ onData: (bytes) => void server.write(bytes), onClose: () => undefined });
      });
      const received = receive(runtime.clock, client);
      let expected = "";
      for (let count = 0; count < 200; count++) {
        client.write(encode(`${count},`));
        expected += `${count},`;
        if (count % 50 === 0) await runtime.clock.sleep(1);
      }
      await received.until(() => received.length() >= expected.length);
      equal(received.text(), expected);
      client.end();
    },
    async "name both addresses"(runtime, context) {
      const servers: Connection[] = [];
      const { client, listener } = await pair(runtime, context, (server) => {
        servers.push(server);
        receive(runtime.clock, server);
      });
      receive(runtime.clock, client);
      await until(runtime.clock, () => servers.length > 0);
      deepEqual(client.remote, listener.address);
      deepEqual(servers[0]?.remote, client.local);
      notEqual(listener.address.port, 0);
      client.destroy();
    },
    async "move megabytes against backpressure, and tell when they have left"(runtime, context) {
      const total = 3 * 1024 * 1024;
      let received: ReturnType<typeof receive> | undefined;
      const { client } = await pair(runtime, context, (server) => {
        received = receive(runtime.clock, server);
      });
      let drains = 0;
      let refusals = 0;
      let sent = 0;
      const pump = (): void => {
        while (sent < total) {
          const chunk = new Uint8Array(50_000).fill(sent / 50_000);
          sent += chunk.length;
          if (!client.write(chunk)) {
            refusals++;
            return;
          }
        }
        client.end();
      };
      receive(runtime.clock, client, {
        onDrain() {
          drains++;
          equal(client.bufferedBytes < 1024 * 1024, true);
          pump();
        },
      });
      pump();
      ok(client.bufferedBytes > 0);
      await until(runtime.clock, () => received?.closes.length === 1);
      const bytes = received?.bytes() ?? new Uint8Array();
      equal(bytes.length, sent);
      ok(bytes.every((byte, at) => byte === Math.floor(at / 50_000) % 256));
      ok(refusals > 0, "no write asked to wait");
      ok(drains >= refusals - 1, `${drains} drains after ${refusals} refusals`);
      equal(client.bufferedBytes, 0);
    },
    async "keep bytes that came before the handler"(runtime, context) {
      const { client } = await pair(runtime, context, (server) => {
        receive(runtime.clock, server);
        server.write(encode("welcome"));
      });
      const received = receive(runtime.clock, client);
      await received.until(() => received.length() === 7);
      equal(received.text(), "welcome");
      client.destroy();
    },
    async "never call the handler from inside the connection's own methods"(runtime, context) {
      const { client } = await pair(runtime, context, (server) => {
        server.handle({ onData: (bytes) => void server.write(bytes), onClose: () => undefined });
      });
      let inside = false;
      const calledInside: string[] = [];
      const note = (what: string) => (): void => {
        if (inside) calledInside.push(what);
      };
      const call = (method: () => void): void => {
        inside = true;
        method();
        inside = false;
      };
      let received: ReturnType<typeof receive> | undefined;
      call(() => {
        received = receive(runtime.clock, client, {
          onData: note("data"),
          onDrain: note("drain"),
          onClose: note("close"),
        });
      });
      call(() => client.write(new Uint8Array(300_000)));
      await until(runtime.clock, () => received?.length() === 300_000);
      call(() => client.destroy());
      await until(runtime.clock, () => received?.closes.length === 1);
      deepEqual(calledInside, []);
    },
    async "end sends what is queued, and closes both ends without an error, once"(runtime, context) {
      let server: ReturnType<typeof receive> | undefined;
      const { client } = await pair(runtime, context, (connection) => {
        server = receive(runtime.clock, connection);
      });
      const received = receive(runtime.clock, client);
      client.write(encode("last words"));
      client.end();
      equal(client.write(encode("too late")), false);
      client.end();
      await until(runtime.clock, () => server?.closes.length === 1 && received.closes.length === 1);
      await runtime.clock.sleep(20);
      equal(server?.text(), "last words");
      deepEqual(server?.closes, [undefined]);
      deepEqual(received.closes, [undefined]);
    },
    async "bytes on their way to an end that has ended still arrive"(runtime, context) {
      const { client } = await pair(runtime, context, (server) => {
        receive(runtime.clock, server);
        server.write(encode("answer"));
      });
      const received = receive(runtime.clock, client);
      client.end();
      await received.until(() => received.closes.length === 1);
      equal(received.text(), "answer");
    },
    async "destroy closes both ends, once"(runtime, context) {
      let server: ReturnType<typeof receive> | undefined;
      const { client } = await pair(runtime, context, (connection) => {
        server = receive(runtime.clock, connection);
      });
      const received = receive(runtime.clock, client);
      await until(runtime.clock, () => server !== undefined);
      client.destroy();
      client.destroy();
      equal(client.write(encode("too late")), false);
      await until(runtime.clock, () => server?.closes.length === 1 && received.closes.length === 1);
      await runtime.clock.sleep(20);
      deepEqual(received.closes, [undefined]);
      equal(server?.closes.length, 1);
      equal(server?.length(), 0);
    },
    async "received arrays belong to the receiver"(runtime, context) {
      const { client, listener } = await pair(runtime, context, (server) => {
        server.handle({ onData: (bytes) => void bytes.fill(0), onClose: () => undefined });
      });
      const other = await context.peer.network.connect(listener.address);
      const shared = encode("for both");
      receive(runtime.clock, client);
      receive(runtime.clock, other);
      client.write(shared);
      other.write(shared);
      await runtime.clock.sleep(20);
      equal(new TextDecoder().decode(shared), "for both");
      client.destroy();
      other.destroy();
    },
    async "are refused where nobody listens"(runtime, { host, peer }) {
      const listener = await runtime.network.listen({ host, port: 0 }, () => undefined);
      await listener.close();
      await rejects(peer.network.connect(listener.address), { code: "ECONNREFUSED" });
    },
    async "a listener that closes leaves what it accepted"(runtime, context) {
      let server: Connection | undefined;
      const { client, listener } = await pair(runtime, context, (connection) => {
        server = connection;
        receive(runtime.clock, connection);
      });
      const received = receive(runtime.clock, client);
      await until(runtime.clock, () => server !== undefined);
      await listener.close();
      server?.write(encode("still here"));
      await received.until(() => received.length() > 0);
      equal(received.text(), "still here");
      await rejects(context.peer.network.connect(listener.address), { code: "ECONNREFUSED" });
      client.destroy();
    },
    async "a port is taken once, and free after close"(runtime, { host }) {
      const first = await runtime.network.listen({ host, port: 0 }, () => undefined);
      await rejects(
        runtime.network.listen({ host, port: first.address.port }, () => undefined),
        { code: "EADDRINUSE" },
      );
      await first.close();
      const second = await runtime.network.listen({ host, port: first.address.port }, () => undefined);
      equal(second.address.port, first.address.port);
      await second.close();
    },
    async "connecting stops on an abort, with the signal's reason"(runtime, { host, peer }) {
      const listener = await runtime.network.listen({ host, port: 0 }, (server) => {
        receive(runtime.clock, server);
      });
      const controller = new AbortController();
      const reason = new Error("changed my mind");
      const connecting = peer.network.connect(listener.address, { signal: controller.signal });
      controller.abort(reason);
      await rejects(connecting, (error) => error === reason);
      await rejects(peer.network.connect(listener.address, { signal: controller.signal }), (error) => error === reason);
      await listener.close();
    },
  });
}
