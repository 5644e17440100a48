import { Etcd3, GRPCOutOfRangeError, Range } from "etcd3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startCluster, startMemoryMember, type ClusterEndpoints } from "./endpoint.ts";

let holdfast: ClusterEndpoints;

beforeAll(async () => {
  holdfast = await startCluster();
});

afterAll(() => holdfast?.close());

describe.each<[string, (cluster: ClusterEndpoints) => readonly string[]]>([
  ["the leader", ({ leader }) => [leader.client]],
  ["a follower", ({ follower }) => [follower.client]],
  ["all members", ({ members }) => members.map(({ client }) => client)],
])("the etcd3 client of %s", (_, choose) => {
  let client: Etcd3;

  beforeAll(() => {
    client = new Etcd3({ hosts: choose(holdfast).map((address) => `http://${address}`) });
  });

  beforeEach(() => client.delete().all());

  afterAll(() => client?.close());

  it("puts and gets strings, numbers, JSON and bytes", async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
    await client.put("text").value("grüße");
    await client.put("number").value(42.5);
    await client.put("json").value(JSON.stringify({ a: [1] }));
    await client.put("bytes").value(bytes);
    expect(await client.get("text").string()).toBe("grüße");
    expect(await client.get("number").number()).toBe(42.5);
    expect(await client.get("json").json()).toEqual({ a: [1] });
    expect(await client.get("bytes").buffer()).toEqual(bytes);
    expect(await client.get("nothing")).toBeNull();
  });

  it("reads ranges sorted, limited and counted", async () => {
    for (const [key, value] of Object.entries({ "k/a": "3", "k/b": "1", "k/c": "2" }))
      await client.put(key).value(value);
    await client.put("other").value("4");
    const all = client.getAll().prefix("k/");
    expect(await all.strings()).toEqual({ "k/a": "3", "k/b": "1", "k/c": "2" });
    expect(await client.getAll().prefix("k/").sort("Value", "Descend").keys()).toEqual(["k/a", "k/c", "k/b"]);
    expect(await client.getAll().prefix("k/").limit(2).keys()).toEqual(["k/a", "k/b"]);
    expect(await client.getAll().prefix("k/").count()).toBe(3);
    expect(await client.getAll().all().count()).toBe(4);
  });

  it("deletes with the previous pairs", async () => {
    await client.put("a").value("1");
    await client.put("b").value("2");
    const previous = await client.delete().range(new Range("a", "c")).getPrevious();
    expect(previous.map((pair) => pair.value.toString())).toEqual(["1", "2"]);
    const { deleted } = await client.delete().key("a");
    expect(deleted).toBe("0");
  });

  it("runs transactions in both branches", async () => {
    await client.put("a").value("1");
    const swap = (from: string, to: string) =>
      client
        .if("a", "Value", "==", from)
        .then(client.put("a").value(to), client.get("a"))
        .else(client.get("a"))
        .commit();
    const won = await swap("1", "2");
    expect(won.succeeded).toBe(true);
    expect(won.responses).toMatchObject([{ response: "response_put" }, { response: "response_range" }]);
    const lost = await swap("1", "3");
    expect(lost.succeeded).toBe(false);
    expect(lost.responses[0]?.response_range?.kvs[0]?.value.toString()).toBe("2");
  });

  it("runs software transactional memory on top", async () => {
    await client.put("counter").value(0);
    const increment = () =>
      client.stm({ retries: 50 }).transact(async (tx) => {
        await tx.put("counter").value((await tx.get("counter").number())! + 1);
      });
    await Promise.all(Array.from({ length: 5 }, increment));
    expect(await client.get("counter").number()).toBe(5);
  });

  it("reads the past until it is compacted, then gets etcd's error", async () => {
    const { header } = await client.put("past").value("old");
    const later = await client.put("past").value("new");
    expect(await client.get("past").revision(header.revision).string()).toBe("old");
    await client.kv.compact({ revision: later.header.revision });
    const refused = client.get("past").revision(header.revision).string();
    await expect(refused).rejects.toThrow("etcdserver: mvcc: required revision has been compacted");
    await expect(client.get("past").revision(header.revision)).rejects.toBeInstanceOf(GRPCOutOfRangeError);
  });

  it("is answered 200 requests at once, each with its own answer", async () => {
    const keys = Array.from({ length: 200 }, (_, at) => `many/${at}`);
    await Promise.all(keys.map((key) => client.put(key).value(key)));
    expect(await Promise.all(keys.map((key) => client.get(key).string()))).toEqual(keys);
  });

  it("learns who the members are, and who leads", async () => {
    const { header, leader } = await client.maintenance.status();
    const { members } = await client.cluster.memberList({ linearizable: true });
    expect(members.map((member) => member.name).toSorted()).toEqual(["n1", "n2", "n3"]);
    expect(members.map((member) => member.ID)).toContain(header.member_id);
    const leading = members.find((member) => member.ID === leader)?.name;
    expect(leading).toBe(`n${holdfast.members.indexOf(holdfast.leader) + 1}`);
  });
});

describe("the etcd3 client of a member in memory", () => {
  it("gets ids with all their 64 bits", async () => {
    const memory = await startMemoryMember();
    const client = new Etcd3({ hosts: `http://${memory.client}` });
    const { header, leader } = await client.maintenance.status();
    expect(header.member_id).toBe(leader);
    expect(BigInt(header.member_id)).toBeGreaterThan(2n ** 53n);
    const { members } = await client.cluster.memberList({ linearizable: true });
    expect(members[0]?.ID).toBe(header.member_id);
    client.close();
    await memory.close();
  });
});
