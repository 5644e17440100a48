import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { createMemoryMember } from "../memory-member.ts";
import { serviceRegistry, type RegisteredInstance } from "./service-registry.ts";
import { openSession } from "./session.ts";
import { unreliable } from "../testing/unreliable-coordination.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const code = (code: string) => expect.objectContaining({ code });

function start() {
  const clock = new VirtualClock();
  const member = createMemoryMember({ clock });
  return { clock, member, registry: serviceRegistry(member), open: () => openSession(member, { clock }) };
}

describe("the registry of services", () => {
  it("lists what is registered, by id, with what it says of itself", async () => {
    const { registry, open } = start();
    const session = await open();
    await registry.register(session, "pay", { id: "b", address: "10.0.0.2:80" });
    const a = await registry.register(session, "pay", { id: "a", address: "10.0.0.1:80", metadata: { zone: "x" } });
    await registry.register(session, "ship", { address: "10.0.0.3:80" });
    expect(await registry.list("pay")).toEqual([
      { service: "pay", id: "a", address: "10.0.0.1:80", metadata: { zone: "x" }, registeredAt: 3 },
      { service: "pay", id: "b", address: "10.0.0.2:80", metadata: {}, registeredAt: 2 },
    ]);
    expect(await registry.services()).toEqual(["pay", "ship"]);
    await a.update({ address: "10.0.0.9:80" });
    expect((await registry.list("pay"))[0]).toMatchObject({ address: "10.0.0.9:80", metadata: {}, registeredAt: 3 });
    await a.withdraw();
    expect((await registry.list("pay")).map(({ id }) => id)).toEqual(["b"]);
    await session.close();
    expect(await registry.services()).toEqual([]);
  });

  it("tells what is there now and after every change, and drops whoever is not heard of", async () => {
    const { clock, member, registry, open } = start();
    const seen: string[] = [];
    const controller = new AbortController();
    const watching = (async () => {
      const options = { signal: controller.signal, clock };
      for await (const instances of registry.watch("pay", options)) {
        seen.push(instances.map(({ id, address }: RegisteredInstance) => `${id}=${address}`).join(" "));
      }
    })();
    const stopped = expect(watching).rejects.toThrow("enough");
    await clock.advance(0);
    const session = await open();
    let down = false;
    const mute = await openSession(
      unreliable(member, (method) => (down && method === "leaseKeepAlive" ? "requestLost" : undefined)),
      { ttlSeconds: 3, clock },
    );
    await registry.register(mute, "pay", { id: "m", address: "1" });
    const a = await registry.register(session, "pay", { id: "a", address: "2" });
    await clock.advance(10_000);
    expect(seen).toEqual(["", "m=1", "a=2 m=1"]);
    down = true;
    await clock.advance(10_000);
    expect(mute.held).toBe(false);
    await a.update({ address: "3" });
    await clock.advance(0);
    expect(seen.slice(3)).toEqual(["a=2", "a=3"]);
    await expect(registry.register(mute, "pay", { address: "4" })).rejects.toEqual(code("SESSION_LOST"));
    controller.abort(new Error("enough"));
    await stopped;
    await session.close();
  });

  it("passes over what is no instance, and keeps services apart", async () => {
    const { member, registry, open } = start();
    const session = await open();
    for (const [key, value] of [
      ["services/pay/x", "no JSON"],
      ["services/pay/y", "null"],
      ["services/pay/z", `{"address":5,"metadata":{}}`],
      ["services/pay/a/b", `{"address":"1","metadata":{}}`],
      ["services/payments/a", `{"address":"1","metadata":{}}`],
    ] as const) {
      await member.put({ key: bytes(key), value: bytes(value) });
    }
    await registry.register(session, "pay", { id: "ok", address: "1" });
    expect((await registry.list("pay")).map(({ id }) => id)).toEqual(["ok"]);
    await expect(registry.register(session, "a/b", { address: "1" })).rejects.toThrow("registry.service must not be");
    await expect(registry.register(session, "a", { id: "", address: "1" })).rejects.toThrow("registry.id must not be");
    expect(() => serviceRegistry(member, { root: "x" } as object)).toThrow("registry.root is no option");
    await session.close();
  });
});
