import { deepEqual, equal, rejects } from "node:assert/strict";
import type { Address } from "../runtime/index.ts";
import { declareTests, type RuntimeSuite } from "./conformance-suite.ts";
import { until } from "./received-stream.ts";

export function datagramConformance(suite: RuntimeSuite): void {
  declareTests(suite, "datagrams", {
    async "arrive whole, with their sender, and can be answered"(runtime, { host, peer }) {
      const answers: string[] = [];
      const server = await runtime.network.openDatagram({ host, port: 0 }, (bytes, from) => {
        server.send(new TextEncoder().encode(`${bytes.length} bytes`), from);
      });
      const senders: Address[] = [];
      const client = await peer.network.openDatagram({ host: "0.0.0.0", port: 0 }, (bytes, from) => {
        answers.push(new TextDecoder().decode(bytes));
        senders.push(from);
      });
      client.send(new Uint8Array(3), server.address);
      await until(runtime.clock, () => answers.length === 1);
      client.send(new Uint8Array(0), server.address);
      client.send(new Uint8Array(1200), server.address);
      await until(runtime.clock, () => answers.length === 3);
      deepEqual(answers.toSorted(), ["0 bytes", "1200 bytes", "3 bytes"]);
      deepEqual(senders[0], server.address);
      await client.close();
      await server.close();
    },
    async "the receiver's array is its own"(runtime, { host }) {
      const sent = new Uint8Array([1, 2, 3]);
      let received = 0;
      const socket = await runtime.network.openDatagram({ host, port: 0 }, (bytes) => {
        received = bytes.length;
        bytes.fill(9);
      });
      socket.send(sent, socket.address);
      await until(runtime.clock, () => received === 3);
      deepEqual(sent, new Uint8Array([1, 2, 3]));
      await socket.close();
    },
    async "to nobody, too large, or after close are lost in silence"(runtime, { host }) {
      let received = 0;
      const socket = await runtime.network.openDatagram({ host, port: 0 }, () => {
        received++;
      });
      const gone = await runtime.network.openDatagram({ host, port: 0 }, () => {
        received++;
      });
      await gone.close();
      await gone.close();
      socket.send(new Uint8Array(8), gone.address);
      socket.send(new Uint8Array(100_000), socket.address);
      gone.send(new Uint8Array(8), socket.address);
      await runtime.clock.sleep(20);
      equal(received, 0);
      await socket.close();
    },
    async "a port is taken once"(runtime, { host }) {
      const first = await runtime.network.openDatagram({ host, port: 0 }, () => undefined);
      await rejects(
        runtime.network.openDatagram({ host, port: first.address.port }, () => undefined),
        { code: "EADDRINUSE" },
      );
      await first.close();
    },
  });
}
