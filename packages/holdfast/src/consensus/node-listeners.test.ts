import { expect, it } from "vitest";
import { simulate } from "../runtime/index.ts";
import { configurationOf } from "./configuration.ts";
import { createNode } from "./node.ts";
import { tcpTransport } from "./tcp-transport.ts";

it("a node goes on leading and applying, whatever its listeners throw", async () => {
  await simulate({ seed: 1 }, async (world) => {
    const process = world.process("n1");
    process.start(() => undefined);
    const { runtime } = process;
    const peers = new Map([[1, { host: "n1", port: 2380 }]]);
    const heard = new Map<string, number>();
    const broken = (name: string) => (): void => {
      heard.set(name, (heard.get(name) ?? 0) + 1);
      throw new Error(`a bug of whoever listens to ${name}`);
    };
    const applied: number[] = [];
    const node = await createNode({
      runtime,
      id: 1,
      clusterId: 1n,
      configuration: configurationOf(peers.keys()),
      directory: "/data",
      transport: tcpTransport({ ...runtime, clusterId: 1n, id: 1, listen: peers.get(1)!, peers }),
      stateMachine: {
        apply: ({ data }) => applied.push(data[0]!),
        snapshot: () => ({ next: () => undefined, release: () => undefined }),
        restore: () => undefined,
      },
      onFact: broken("facts"),
      onApplied: broken("commands"),
      onConfiguration: broken("configurations"),
    });
    let stopped = false;
    void node.failed.then(() => (stopped = true));
    await runtime.clock.sleep(2_000);
    for (const command of [1, 2, 3]) node.propose(Uint8Array.of(command));
    node.read(broken("reads"));
    let isRead = false;
    node.read(() => (isRead = true));
    await runtime.clock.sleep(1_000);
    expect([node.raft.role, stopped, isRead]).toEqual(["leader", false, true]);
    expect(applied).toEqual([1, 2, 3]);
    expect([heard.get("commands"), heard.get("reads")]).toEqual([3, 1]);
    for (const name of ["facts", "configurations"]) expect(heard.get(name), name).toBeGreaterThan(0);
    expect(node.listenerFailures).toBe([...heard.values()].reduce((sum, count) => sum + count, 0));
    await node.close();
  });
});
