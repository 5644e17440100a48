import { createMemoryMember, type Member } from "holdfast/coordination";
import { nodeRuntime } from "holdfast/runtime";
import { afterEach, describe, expect, it } from "vitest";
import { serveMember } from "../serve.ts";
import { learnCluster } from "./learn-cluster.ts";
import { startNodeGossip, type NodeGossip } from "./node-gossip.ts";

const runtime = nodeRuntime();
const any = { host: "127.0.0.1", port: 0 };
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function gossip(name: string, clientUrl: string): Promise<NodeGossip> {
  const started = await startNodeGossip({
    runtime,
    name,
    clusterName: "test",
    places: { listen: any, host: any.host },
    seeds: [],
    notice: { clientUrl, httpUrl: null, peer: null },
    keyring: undefined,
    say: () => undefined,
  });
  opened.push(() => started.membership.close());
  return started;
}

/** A member of a cluster whose other member has never run. */
function memberOfTwo(name: string): Member {
  const info = (
    id: bigint,
    of: string,
    peerUrl: string,
    ...clientUrls: string[]
  ): ReturnType<Member["members"]>[number] => {
    return { id, name: of, peerUrls: [peerUrl], clientUrls, httpUrls: [] };
  };
  const members = [info(1n, "n1", "http://10.0.0.1:2380", "http://10.0.0.1:2379"), info(2n, "n2", "http://[::1]:2380")];
  return { ...createMemoryMember({ name }), members: () => members };
}

/** What `joiner` learns from a member that gossips as n1, and the name under which it answers. */
async function learn(answersAs: string, role: "leader" | null): ReturnType<typeof learnCluster> {
  const member = memberOfTwo(answersAs);
  const served = await serveMember({ member, client: any });
  opened.push(() => served.close());
  const seed = await gossip("n1", `http://127.0.0.1:${served.clientAddress.port}`);
  if (role !== null) seed.setRole(role);
  const joiner = await gossip("n2", "http://127.0.0.1:1");
  const { signal } = new AbortController();
  const seeds = [seed.membership.address];
  return await learnCluster({ gossip: joiner, seeds, clock: runtime.clock, signal, timeoutMs: 0 });
}

describe("a node that looks for its cluster", () => {
  it("is told all members by one that runs, also those that never ran", async () => {
    const { clusterId, members } = await learn("n1", "leader");
    expect(clusterId).toBe(createMemoryMember({ name: "n1" }).clusterId);
    expect(members).toEqual([
      { id: 1n, name: "n1", peer: { host: "10.0.0.1", port: 2380 }, hasRun: true },
      { id: 2n, name: "n2", peer: { host: "::1", port: 2380 }, hasRun: false },
    ]);
  });

  it("does not ask one that is looking itself", async () => {
    await expect(learn("n1", null)).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining("the members there are themselves looking for a cluster") as string,
    });
  });

  it("does not believe another process at that address", async () => {
    await expect(learn("n7", "leader")).rejects.toThrow(/is not n1, or does not tell its cluster/);
  });

  it("says where nobody answered", async () => {
    const joiner = await gossip("n2", "http://127.0.0.1:1");
    const closed = await gossip("n1", "http://127.0.0.1:1");
    const seeds = [closed.membership.address];
    await closed.membership.close();
    const { signal } = new AbortController();
    const learning = learnCluster({ gossip: joiner, seeds, clock: runtime.clock, signal, timeoutMs: 0 });
    await expect(learning).rejects.toThrow(`no member answered at 127.0.0.1:${seeds[0]?.port}; start that member`);
  });
});
