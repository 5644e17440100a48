import { Range, type Etcd3, type ISTMOptions } from "etcd3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCluster, startEtcd, type ClusterEndpoints, type Endpoint } from "./endpoint.ts";
import { failureOf, onEach, type Feature } from "./etcd3-on-both.ts";

let holdfast: ClusterEndpoints;
let etcd: Endpoint;

beforeAll(async () => {
  [holdfast, etcd] = await Promise.all([startCluster(), startEtcd()]);
});

afterAll(async () => {
  await Promise.all([holdfast?.close(), etcd?.close()]);
});

/** Through a follower: what its client has written it must read there, even in a serializable read. */
async function same(feature: Feature): Promise<unknown> {
  const [ours, theirs] = await onEach([holdfast.follower, etcd], feature);
  expect(ours).toEqual(theirs);
  return ours;
}

async function fill(client: Etcd3, prefix: string, pairs: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, value] of Object.entries(pairs)) await client.put(prefix + key).value(value);
}

describe("the builders of etcd3 do the same with Holdfast as with etcd", () => {
  it("get, in every form", async () => {
    const told = await same(async (client) => {
      await fill(client, "get/", { text: "grüße", number: "42.5", json: '{"a":[1]}', broken: "{" });
      const { header } = await client.put("get/text").value("later");
      const before = Number(header.revision) - 1;
      return [
        await client.get("get/text"),
        await client.get("get/text").string("hex"),
        await client.get("get/number").number(),
        await client.get("get/text").number(),
        await client.get("get/json").json(),
        await failureOf(() => client.get("get/broken").json()),
        (await client.get("get/text").buffer())?.toString(),
        [await client.get("get/text").exists(), await client.get("get/none").exists()],
        [await client.get("get/none"), await client.get("get/none").number(), await client.get("get/none").json()],
        await client.get("get/text").revision(before).string(),
        await client.get("get/text").serializable(true).string(),
        await client.get("get/text").maxModRevision(before),
        await client.get("get/text").minModRevision(before).string(),
        await client.get("get/text").minCreateRevision(before),
        await failureOf(() => client.get("get/text").revision(before + 1000)),
        await failureOf(() => client.get("")),
      ];
    });
    expect(told).toContain("grüße");
    expect(told).toContain(
      "GRPCOutOfRangeError: 11 OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision",
    );
  });

  it("getAll, in every form", async () => {
    await same(async (client) => {
      await fill(client, "all/", { a: "3", b: "1", c: "2", d: "1" });
      await client.put("all/b").value("4");
      const all = (): ReturnType<Etcd3["getAll"]> => client.getAll().prefix("all/");
      const sorted: unknown[] = [];
      for (const target of ["Key", "Version", "Create", "Mod", "Value"] as const) {
        for (const order of ["None", "Ascend", "Descend"] as const) {
          sorted.push([target, order, await all().sort(target, order).keys()]);
        }
      }
      const { kvs, count, more } = await all().limit(1).exec();
      return [
        sorted,
        await all(),
        await all().strings(),
        await all().strings("hex"),
        await all().numbers(),
        await all().json(),
        await all().buffers(),
        await all().keys(),
        (await all().keyBuffers()).map(String),
        await all().count(),
        await all().limit(2).keys(),
        await all().limit(0).keys(),
        [kvs.length, count, more],
        await client.getAll().inRange({ start: "all/b", end: "all/d" }).keys(),
        await client.getAll().inRange({ prefix: "all/c" }).keys(),
        await client.getAll().inRange(Range.prefix("all/d")).keys(),
        (await client.getAll().all().keys()).filter((key) => key.startsWith("all/")),
        await failureOf(() => client.getAll().prefix("all/").sort("Key", "Ascend").revision(1_000_000)),
      ];
    });
  });

  it("reads one key where a range has no end, as etcd3 says; etcd 3.4 reads on to the last of all", async () => {
    const [ours, theirs] = await onEach([holdfast.follower, etcd], async (client) => {
      await fill(client, "end/", { a: "1", b: "2" });
      return await client.getAll().inRange("end/a").keys();
    });
    expect(ours).toEqual(["end/a"]);
    expect(theirs).toEqual(expect.arrayContaining(["end/a", "end/b"]));
  });

  it("put and delete, in every form", async () => {
    await same(async (client) => {
      const put = async (value: string) => {
        const { key, value: previous, version } = await client.put("pd/1").value(value).getPrevious();
        return [String(key), String(previous), version];
      };
      await client.put("pd/1").value(Buffer.from("first"));
      const previous = [await put("second"), await put("third")];
      const lease = client.lease(60, { autoKeepAlive: false });
      await lease.put("pd/2").value("leased");
      await client.put("pd/2").value("still leased").ignoreLease();
      const id = await lease.grant();
      const held = (await client.get("pd/2").exec()).kvs.map((pair) => pair.lease === id);
      await client.put("pd/1").touch();
      const { kvs } = await client.get("pd/1").exec();
      await client.put("pd/3").value(3.5).lease(id);
      const asked = [
        await failureOf(() => client.put("pd/none").touch()),
        await failureOf(() => client.put("pd/none").value("x").ignoreLease()),
        await failureOf(() => client.put("pd/none").value("x").lease("77")),
        await failureOf(() => client.put("").value("x")),
      ];
      const deleted: unknown[] = [];
      deleted.push((await client.delete().key("pd/1").getPrevious()).map(({ value }) => String(value)));
      deleted.push((await client.delete().key("pd/1")).deleted);
      deleted.push((await client.delete().range(new Range("pd/2", "pd/3"))).deleted);
      deleted.push((await client.delete().inRange({ prefix: "pd/" }).exec()).deleted);
      deleted.push((await client.delete().prefix("pd/")).deleted);
      await lease.revoke();
      return [previous, held, kvs.map(({ version, value }) => [version, String(value)]), asked, deleted];
    });
  });

  it("if, then and else, with every column and every comparison", async () => {
    const told = await same(async (client) => {
      await fill(client, "if/", { a: "1", b: "2" });
      await client.put("if/a").value("m");
      const [pair] = (await client.get("if/a").exec()).kvs;
      const outcomes: string[] = [];
      const columns = [
        ["Value", ["a", "m", "z"]],
        ["Version", [1, 2, 3]],
        ["Create", [-1, 0, 1].map((more) => Number(pair!.create_revision) + more)],
        ["Mod", [-1, 0, 1].map((more) => Number(pair!.mod_revision) + more)],
        ["Lease", [-1, 0, 1]],
      ] as const;
      for (const [column, operands] of columns) {
        for (const comparison of ["==", "===", "!=", "!==", "<", ">"] as const) {
          for (const [at, operand] of operands.entries()) {
            const { succeeded } = await client.if("if/a", column, comparison, operand).commit();
            outcomes.push(`${column} ${comparison} ${at} ${succeeded}`);
          }
        }
      }
      const branch = async (wanted: string) => {
        const { succeeded, responses } = await client
          .if("if/a", "Value", "==", wanted)
          .and("if/none", "Version", "==", 0)
          .then(client.put("if/a").value("won"), client.delete().key("if/b"))
          .else(client.getAll().prefix("if/").sort("Key", "Descend"), client.delete().key("if/none"))
          .commit();
        return [
          succeeded,
          responses.map(({ response_range: range, response_delete_range: gone }) => [
            range?.kvs.map(({ key, value, version }) => [String(key), String(value), version]),
            gone?.deleted,
          ]),
        ];
      };
      const branches = [await branch("nothing"), await branch("m"), await branch("m")];
      const twice = client.if("if/a", "Version", ">", 0).then(client.put("if/x").value(1), client.put("if/x").value(2));
      return [outcomes, branches, await failureOf(() => twice.commit())];
    });
    expect(JSON.stringify(told)).toContain("duplicate key given in txn request");
    expect(JSON.stringify(told)).toContain("Mod > 0 true");
  });
});

const isolations = ["SerializableSnapshot", "Serializable", "RepeatableReads", "ReadCommitted"] as const;
describe.each(isolations)("software transactional memory, %s", (level) => {
  // Isolation is a const enum, which cannot be imported: its numbers are in this order.
  const options = (more: Partial<ISTMOptions> = {}): Partial<ISTMOptions> =>
    Object.assign({ isolation: isolations.indexOf(level) }, more);

  it("commits, retries and gives up as with etcd", async () => {
    const told = await same(async (client) => {
      const at = (key: string): string => `stm/${level}/${key}`;
      const pairs = Object.entries({ a: "10", b: "20", gone: "x", written: "y" });
      // At one revision: the strictest level wants nothing written newer than the oldest that was read.
      await client
        .if(at("a"), "Version", "==", 0)
        .then(...pairs.map(([key, value]) => client.put(at(key)).value(value)))
        .commit();
      const results: unknown[] = [];
      results.push(
        await client.stm(options({ prefetch: [at("a"), at("b")] })).transact(async (tx) => {
          const [a, b] = await Promise.all([tx.get(at("a")).number(), tx.get(at("b")).number()]);
          await tx.put(at("a")).value(a! - 5);
          await tx.put(at("b")).value(b! + 5);
          await tx.delete().key(at("gone"));
          return [a, b, await tx.get(at("a")).number(), await tx.get(at("gone"))];
        }),
      );
      // Somebody else writes what was read, the first time.
      const meddled = async (retries: number, key: string, value: string) => {
        let tries = 0;
        const failure = await failureOf(() =>
          client.stm(options({ retries })).transact(async (tx) => {
            const a = await tx.get(at("a")).number();
            if (tries++ === 0) await client.put(at(key)).value(value);
            await tx.put(at("written")).value(`${a}`);
          }),
        );
        return [tries, failure, await client.get(at("a")), await client.get(at("written"))];
      };
      results.push(await meddled(3, "a", "100"));
      results.push(await meddled(0, "a", "200"));
      // Somebody else writes what is about to be written, and was not read.
      results.push(await meddled(3, "written", "mine"));
      const increments = Array.from({ length: 4 }, () =>
        client.stm(options({ retries: 100 })).transact(async (tx) => {
          await tx.put(at("count")).value(((await tx.get(at("count")).number()) ?? 0) + 1);
        }),
      );
      await Promise.all(increments);
      const count = await client.get(at("count")).number();
      results.push(level === "ReadCommitted" ? count! >= 1 : count);
      results.push(
        await failureOf(() =>
          client.stm(options()).transact(async (tx) => {
            await tx.get(at("a"));
            await tx.delete().prefix(at(""));
          }),
        ),
        await failureOf(() => client.stm(options()).transact((tx) => tx.get(at("a")).revision(1).string())),
        await failureOf(() => client.stm(options()).transact(() => Promise.reject(new Error("changed my mind")))),
        await client.getAll().prefix(at("")),
      );
      return results;
    });
    const [, retried, givenUp, unread, count] = told as [unknown, unknown[], unknown[], unknown[], unknown];
    const detects = level !== "ReadCommitted";
    expect(retried[0]).toBe(detects ? 2 : 1);
    expect(givenUp[1] !== undefined).toBe(detects);
    // The strictest level never writes over what is newer than anything that it has read.
    expect(unread[0]).toBe(level === "SerializableSnapshot" ? 4 : 1);
    if (detects) expect(count).toBe(4);
  });
});

describe("namespaces", () => {
  it("keep to themselves all that etcd3 does in them", async () => {
    const told = await same(async (client) => {
      const space = client.namespace("ns/one/");
      const inner = space.namespace("inner/");
      const watcher = await space.watch().prefix("").withPreviousKV().create();
      const seen: string[] = [];
      watcher.on("put", (pair, previous) => seen.push(`+${String(pair.key)} ${String(previous?.value)}`));
      watcher.on("delete", (pair) => seen.push(`-${String(pair.key)}`));
      await client.put("ns/two").value("outside");
      await space.put("a").value("1");
      await space.put("a").value("2");
      await inner.put("b").value("3");
      const lease = space.lease(60, { autoKeepAlive: false });
      await lease.put("leased").value("4");
      const views = [
        await space.getAll(),
        await space.getAll().prefix("inner/").keys(),
        await inner.getAll().all().strings(),
        await client.getAll().prefix("ns/").keys(),
        await space.get("../two"),
      ];
      const { responses } = await space
        .if("a", "Value", "==", "2")
        .then(space.put("c").value("5"), space.getAll().all())
        .commit();
      const pairs = responses[1]?.response_range?.kvs.map(({ key }) => String(key));
      await space.stm().transact(async (tx) => {
        await tx.put("a").value(`${await tx.get("a")} and more`);
      });
      const counted = await space.lock("l").do(() => client.getAll().prefix("ns/one/l").count());
      const raw = await client.get("ns/one/a");
      await lease.revoke();
      const { deleted } = await inner.delete().all();
      const gone = (await space.delete().prefix("")).deleted;
      await space.put("last").value("");
      while (!seen.includes("+last undefined")) await client.get("ns/two");
      await watcher.cancel();
      return [views, pairs, counted, raw, deleted, gone, await client.getAll().prefix("ns/").keys(), seen];
    });
    expect(JSON.stringify(told)).toContain('"+a 1"');
  });
});
