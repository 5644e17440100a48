import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { etcdCoordination, type EtcdCoordination } from "holdfast/adapters/etcd";
import { createMember, remoteCoordination, type Coordination, type Member } from "holdfast/coordination";
import { nodeRuntime, type Address } from "holdfast/runtime";
import { coordinationConformance } from "holdfast/testing";
import { afterAll, beforeAll, describe, it } from "vitest";
import { freePorts } from "../process/free-ports.ts";
import { startCluster } from "./endpoint.ts";
import { startEtcdCluster } from "./etcd-cluster.ts";

/** Two ways to one store, and what ends it. */
interface Home {
  readonly coordination: Coordination;
  readonly other: Coordination;
  close(): Promise<void>;
}

interface Servers {
  readonly endpoints: readonly string[];
  close(): Promise<unknown>;
}

/** Two clients, of different endpoints where there are several. */
async function overEtcd(start: () => Promise<Servers>): Promise<Home> {
  const servers = await start();
  const { endpoints } = servers;
  const clients = [endpoints[0]!, endpoints.at(-1)!].map((endpoint): EtcdCoordination =>
    etcdCoordination({ endpoints: [`http://${endpoint}`] }),
  );
  const [coordination, other] = clients as [EtcdCoordination, EtcdCoordination];
  return {
    coordination,
    other,
    async close() {
      for (const client of clients) await client.close();
      await servers.close();
    },
  };
}

/** Two clients of Holdfast's own protocol, of different endpoints. */
async function overOwnProtocol(): Promise<Home> {
  const servers = await startCluster();
  const endpoints = servers.members.map(({ client }) => client);
  const runtime = nodeRuntime();
  const coordination = remoteCoordination({ runtime, endpoints });
  const other = remoteCoordination({ runtime, endpoints: endpoints.toReversed() });
  return {
    coordination,
    other,
    async close() {
      await coordination.close();
      await other.close();
      await servers.close();
    },
  };
}

/** Three members in this process, on real sockets and files. */
async function embedded(): Promise<Home> {
  const runtime = nodeRuntime();
  const directory = await mkdtemp(join(tmpdir(), "holdfast-homes-"));
  const names = ["a", "b", "c"];
  const addresses = (await freePorts(names.length)).map((port): Address => ({ host: "127.0.0.1", port }));
  const cluster = { name: "homes", members: names.map((name, at) => ({ name, peer: addresses[at]! })) };
  const members = await Promise.all(
    cluster.members.map(({ name, peer }): Promise<Member> => {
      const own = { name, peer, directory: join(directory, name) };
      return createMember({ runtime, cluster, clientUrls: [], httpUrls: [], ...own });
    }),
  );
  return {
    coordination: members[0]!,
    other: members[1]!,
    async close() {
      for (const member of members) await member.close();
      await rm(directory, { recursive: true });
    },
  };
}

const homes: readonly (readonly [string, () => Promise<Home>])[] = [
  ["an embedded cluster of three", embedded],
  ["three Holdfast processes, over their own protocol", overOwnProtocol],
  [
    "three etcds, over the adapter",
    () =>
      overEtcd(async () => {
        const cluster = await startEtcdCluster(3);
        return { endpoints: cluster.members.map(({ client }) => client), close: () => cluster.close() };
      }),
  ],
  [
    "three Holdfast processes, over the adapter",
    () =>
      overEtcd(async () => {
        const cluster = await startCluster();
        return { endpoints: cluster.members.map(({ client }) => client), close: () => cluster.close() };
      }),
  ],
];

// Each home's tests one after the other, beside those of the others.
describe.concurrent.each(homes)("%s", (name, start) => {
  let home: Home;

  beforeAll(async () => {
    home = await start();
  });

  afterAll(() => home?.close());

  coordinationConformance({
    name,
    describe: (title, declare) => void describe(title, { concurrent: false }, declare),
    it,
    run: (test) => test({ ...home, sleep }),
  });
});
