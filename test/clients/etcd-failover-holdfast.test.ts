import { afterEach, beforeEach, expect, it } from "vitest";
import { etcdCoordination, type EtcdCoordination } from "holdfast/adapters/etcd";
import { addressText } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { startRealCluster, type RealCluster } from "../process/real-cluster.ts";

const key = new TextEncoder().encode("counter");
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);
const writes = 200;

let cluster: RealCluster;
let store: EtcdCoordination;

beforeEach(async () => {
  cluster = await startRealCluster(3);
  store = etcdCoordination({
    endpoints: cluster.plan.members.map(({ client }) => addressText(client)),
    attemptTimeoutMs: 500,
    identities: true,
  });
});

afterEach(async () => {
  await store?.close();
  await cluster?.close();
});

it("Holdfast's servers apply named writes once, and watches miss none, while the leader is killed and comes back", async () => {
  const watcher = await store.watch({ key });
  const leader = await cluster.leader();
  let sequence = 0;
  let disturbance: Promise<void> | undefined;
  async function count(): Promise<void> {
    while (sequence < writes) {
      sequence++;
      if (sequence === writes / 4) disturbance = disturb();
      const identity = { client: 4711, sequence, acknowledged: sequence - 1 };
      await store.put({ key, value: bytes(`${sequence}`) }, { identity, timeoutMs: 30_000 });
    }
  }
  async function disturb(): Promise<void> {
    const { exit } = await cluster.supervisor.kill(leader);
    expect(exit.signal).toBe("SIGKILL");
    expect(sequence).toBeLessThan(writes);
    await cluster.supervisor.start(leader);
  }
  await count();
  await disturbance;
  const told: string[] = [];
  while (told.at(-1) !== `${writes}`) {
    const { value } = await watcher.next();
    told.push(...(value?.events.map(({ pair }) => text(pair.value)) ?? ["the watch is over"]));
  }
  expect(told).toEqual(Array.from({ length: writes }, (_, at) => `${at + 1}`));
  const { pairs } = await store.range({ key });
  expect(pairs[0]).toMatchObject({ version: writes, value: bytes(`${writes}`) });
});
