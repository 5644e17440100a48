import { nodeRuntime } from "holdfast/runtime";
import { describe, expect, it } from "vitest";
import { routedNetwork } from "./routed-network.ts";

const { network } = nodeRuntime();
const free = { host: "127.0.0.1", port: 0 };
const elsewhere = { host: "127.0.0.1", port: 1 };
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

describe("a network with routes", () => {
  it("reaches by another address what has a route, and the rest as ever", async () => {
    const got = Promise.withResolvers<string>();
    const listener = await network.listen(free, (connection) =>
      connection.handle({ onData: (part) => got.resolve(text(part)), onClose: () => undefined }),
    );
    const routed = routedNetwork(network, () => ({
      streams: new Map([["127.0.0.1:1", listener.address]]),
      datagrams: new Map(),
    }));
    const connection = await routed.connect(elsewhere);
    connection.handle({ onData: () => undefined, onClose: () => undefined });
    connection.write(bytes("by stream"));
    expect(await got.promise).toBe("by stream");
    connection.destroy();
    await expect(routed.connect({ host: "127.0.0.1", port: 2 })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await listener.close();
  });

  it("sends datagrams by routes of their own", async () => {
    const got = Promise.withResolvers<string>();
    const receiver = await network.openDatagram(free, (part) => got.resolve(text(part)));
    const routed = routedNetwork(network, () => ({
      streams: new Map(),
      datagrams: new Map([["127.0.0.1:1", receiver.address]]),
    }));
    const sender = await routed.openDatagram(free, () => undefined);
    sender.send(bytes("by datagram"), elsewhere);
    expect(await got.promise).toBe("by datagram");
    await Promise.all([sender.close(), receiver.close()]);
  });
});
