import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { bytes, refused, type CoordinationTest } from "./coordination-suite.ts";

/** What homes may take longer than a lease's time to live to end it, in all. */
const slackMs = 3_000;
const lookMs = 100;

export const leasePromises: Readonly<Record<string, CoordinationTest>> = {
  async "are granted with the id asked for, or one that is free"({ coordination, other }) {
    const drawn = await coordination.leaseGrant({ ttlSeconds: 60 });
    const again = await other.leaseGrant({ ttlSeconds: 60, id: 0n });
    notEqual(drawn.id, again.id);
    ok(drawn.id > 0n);
    equal(drawn.ttlSeconds, 60);
    const named = drawn.id ^ 1n;
    deepEqual(await coordination.leaseGrant({ id: named, ttlSeconds: 0 }).then(({ id }) => id), named);
    await refused(other.leaseGrant({ id: named, ttlSeconds: 60 }), "LEASE_EXISTS");
    await refused(coordination.leaseGrant({ ttlSeconds: 9_000_000_001 }), "LEASE_TTL_TOO_LARGE");
    const { leases } = await other.leases();
    for (const id of [drawn.id, again.id, named]) ok(leases.includes(id));
    for (const id of [drawn.id, again.id, named]) await coordination.leaseRevoke({ id });
  },
  async "tell their time and their keys"({ coordination, other, key }) {
    const { id } = await coordination.leaseGrant({ ttlSeconds: 60 });
    for (const name of ["b", "a"]) await coordination.put({ key: key(name), value: bytes("1"), lease: id });
    const told = await other.leaseTimeToLive({ id, keys: true });
    deepEqual([told.id, told.grantedTtlSeconds], [id, 60]);
    ok(told.ttlSeconds > 55 && told.ttlSeconds <= 60);
    deepEqual(
      told.keys.toSorted((left, right) => left.at(-1)! - right.at(-1)!),
      [key("a"), key("b")],
    );
    deepEqual((await other.leaseTimeToLive({ id })).keys, []);
    await coordination.leaseRevoke({ id });
    const gone = await other.leaseTimeToLive({ id, keys: true });
    deepEqual([gone.ttlSeconds, gone.grantedTtlSeconds, gone.keys], [-1, 0, []]);
  },
  async "take all their keys along, in one revision, when they are revoked"({ coordination, other, key, all }) {
    const { id } = await coordination.leaseGrant({ ttlSeconds: 60 });
    for (const name of ["a", "b"]) await coordination.put({ key: key(name), value: bytes("1"), lease: id });
    const { header } = await coordination.put({ key: key("c"), value: bytes("1") });
    const revoked = await other.leaseRevoke({ id });
    equal(revoked.header.revision, header.revision + 1);
    const { pairs } = await coordination.range(all);
    deepEqual(
      pairs.map((pair) => pair.key),
      [key("c")],
    );
    await refused(coordination.leaseRevoke({ id }), "LEASE_NOT_FOUND");
    await refused(coordination.put({ key: key("a"), value: bytes("1"), lease: id }), "LEASE_NOT_FOUND");
    equal((await coordination.leaseKeepAlive({ id })).ttlSeconds, 0);
  },
  async "have a key only until it is put with another"({ coordination, key, all }) {
    const [first, second] = [
      await coordination.leaseGrant({ ttlSeconds: 60 }),
      await coordination.leaseGrant({ ttlSeconds: 60 }),
    ];
    await coordination.put({ key: key("a"), value: bytes("1"), lease: first.id });
    await coordination.put({ key: key("a"), value: bytes("2"), lease: second.id });
    await coordination.put({ key: key("b"), value: bytes("1"), lease: first.id });
    await coordination.put({ key: key("b"), value: bytes("2") });
    await coordination.leaseRevoke({ id: first.id });
    equal((await coordination.range(all)).count, 2);
    await coordination.leaseRevoke({ id: second.id });
    deepEqual(
      (await coordination.range(all)).pairs.map((pair) => pair.key),
      [key("b")],
    );
  },
  async "end by themselves when nobody keeps them alive, with their keys"({ coordination, other, key, all, sleep }) {
    const { id, ttlSeconds } = await coordination.leaseGrant({ ttlSeconds: 2 });
    await coordination.put({ key: key("a"), value: bytes("1"), lease: id });
    await sleep(ttlSeconds * 1000 - 500);
    equal((await other.range(all)).count, 1);
    let waitedMs = 0;
    while ((await other.range(all)).count > 0) {
      ok(waitedMs < slackMs, `the key is there ${waitedMs} ms after its time`);
      await sleep(lookMs);
      waitedMs += lookMs;
    }
    equal((await coordination.leaseTimeToLive({ id })).ttlSeconds, -1);
    ok(!(await coordination.leases()).leases.includes(id));
  },
  async "live as long as they are kept alive, by whomever"({ coordination, other, key, sleep }) {
    const { id, ttlSeconds } = await coordination.leaseGrant({ ttlSeconds: 2 });
    await coordination.put({ key: key("a"), value: bytes("1"), lease: id });
    for (let round = 0; round < 4; round++) {
      await sleep(ttlSeconds * 500);
      const asked = round % 2 === 0 ? other : coordination;
      const answer = await asked.leaseKeepAlive({ id });
      deepEqual([answer.id, answer.ttlSeconds], [id, ttlSeconds]);
    }
    equal((await other.range({ key: key("a") })).count, 1);
    await coordination.leaseRevoke({ id });
  },
  async "are kept alive many at once, each with its own answer"({ coordination }) {
    const grants = [];
    for (let count = 0; count < 10; count++) grants.push(await coordination.leaseGrant({ ttlSeconds: 30 + count }));
    const answers = await Promise.all([...grants, ...grants].map(({ id }) => coordination.leaseKeepAlive({ id })));
    deepEqual(
      answers.map(({ id, ttlSeconds }) => [id, ttlSeconds]),
      [...grants, ...grants].map(({ id, ttlSeconds }) => [id, ttlSeconds]),
    );
    for (const { id } of grants) await coordination.leaseRevoke({ id });
  },
};
