import { statSync } from "node:fs";
import { mkdir, mkdtemp, chmod, chown, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, type QueryResult } from "pg";
import {
  archiveSettings,
  dumpDatabase,
  listBaseBackups,
  postgresqlBackup,
  postgresqlDiscard,
  postgresqlPointInTime,
  postgresqlRestore,
  type PostgresqlAccess,
  type PostgresqlPlace,
} from "../../packages/holdfast/src/adapters/postgresql/index.ts";
import type { JsonValue, StepContext, StepExecutor } from "holdfast/recovery";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePortRange } from "../process/free-ports.ts";
import { startPostgresql, type RealServer } from "./real-servers.ts";

let server: RealServer;
let room: string;
let access: PostgresqlAccess;
let as: { uid: number; gid: number };
const { signal } = new AbortController();
const undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  room = await mkdtemp(join(tmpdir(), "holdfast-restore-"));
  await chmod(room, 0o755);
  server = await startPostgresql({ ...archiveSettings(join(room, "archive")), fsync: "off" }, ["--wal-segsize=1"]);
  const { uid, gid } = statSync(join(server.directory, "data"));
  as = { uid, gid };
  await mkdir(join(room, "archive"));
  await chown(join(room, "archive"), uid, gid);
  access = { server: { host: "127.0.0.1", port: server.port, user: "postgres" }, connect };
});

afterAll(async () => {
  for (const each of undo.reverse()) await each();
  await server.close();
  await rm(room, { recursive: true });
});

async function connect(place: PostgresqlPlace): Promise<Client> {
  const giveUpAt = performance.now() + 20_000;
  for (;;) {
    const client = new Client({ ...place });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      // It listens before it can answer.
      if ((error as { code?: string }).code !== "57P03" || performance.now() > giveUpAt) throw error;
    }
  }
}

async function query(database: string, text: string, port: number = server.port): Promise<unknown[]> {
  const client = await connect({ ...access.server, port, database });
  try {
    const result = (await client.query({ text, rowMode: "array" })) as QueryResult | QueryResult[];
    return [result].flat().at(-1)!.rows.flat() as unknown[];
  } finally {
    await client.end();
  }
}

let steps = 0;

function contextOf(parameters: { readonly [name: string]: JsonValue }, stepId = `s${++steps}`): StepContext {
  const names = { planId: "p", executionId: "e", stepId, idempotencyKey: `e/${stepId}` };
  return { ...names, attempt: 1, fencingToken: 1, outputs: new Map(), parameters, signal };
}

async function undone({ rollback }: StepExecutor, context: StepContext, output: JsonValue): Promise<void> {
  await rollback!({ ...context, idempotencyKey: `${context.idempotencyKey}/undo`, output });
}

/** A shop: orders refer to customers, notes to orders, and a view stands on them. */
async function makeShop(database: string): Promise<string> {
  await query("postgres", `create database ${database}`);
  await query(
    database,
    `create table customers (id int primary key, name text);
     create table orders (id serial primary key, customer int not null references customers, cents int check (cents > 0));
     create index orders_of on orders (customer);
     create table notes (id int primary key, of_order int references orders);
     create view turnover as select sum(cents)::int as cents from orders;
     insert into customers select n, 'c' || n from generate_series(1, 10) n;
     insert into orders (customer, cents) select 1 + n % 10, n from generate_series(1, 100) n;
     insert into notes values (1, 7)`,
  );
  const file = join(room, `${database}.dump`);
  expect(await dumpDatabase({ ...access, database, file, signal })).toMatchObject({ file, tables: 3 });
  return file;
}

const databases = (): Promise<unknown[]> =>
  query("postgres", "select datname from pg_database where datname like 'holdfast_%' order by 1");

describe("a database from a dump", () => {
  it("takes the place of what is there, once, goes back, and what was kept is discarded", async () => {
    const dump = await makeShop("whole");
    await query("whole", "drop table orders cascade; insert into customers values (11, 'after')");
    const restore = postgresqlRestore(access);
    const context = contextOf({
      database: "whole",
      dump,
      disconnect: true,
      verify: "select cents = 5050 from turnover",
    });
    // Somebody is in it, who would have held it up.
    const other = await connect({ ...access.server, database: "whole" });
    const output = (await restore.run(context)) as { previous: string };
    expect(output).toMatchObject({ database: "whole", tables: 3, previous: expect.stringMatching(/^holdfast_old_/) });
    await expect(other.query("select 1")).rejects.toThrow();
    expect(await query("whole", "select cents from turnover")).toEqual([5050]);
    await query("whole", "insert into notes values (2, 8)");
    // The record of its end was lost.
    expect(await restore.run({ ...context, attempt: 2 })).toEqual(output);
    expect(await query("whole", "select count(*)::int from notes")).toEqual([2]);

    await undone(restore, context, output);
    await undone(restore, context, output);
    expect(await query("whole", "select name from customers where id = 11")).toEqual(["after"]);
    expect(await databases()).toEqual([]);

    const again = contextOf({ database: "whole", dump });
    const kept = ((await restore.run(again)) as { previous: string }).previous;
    expect(await databases()).toEqual([kept]);
    const discard = postgresqlDiscard(access);
    await expect(discard.run(contextOf({ previous: "whole" }))).rejects.toThrow("not what was kept");
    await discard.run(contextOf({ previous: kept }));
    await discard.run(contextOf({ previous: kept }));
    expect(await databases()).toEqual([]);
    await expect(undone(restore, again, { previousId: 7 })).rejects.toThrow("is gone");
    expect(await query("whole", "select cents from turnover")).toEqual([5050]);
  });

  it("touches nothing when it cannot be restored, is not as it should be, or is in use", async () => {
    const dump = await makeShop("untouched");
    const restore = postgresqlRestore(access);
    const told = "select count(*)::int from orders";
    const run = (more: object): unknown => restore.run(contextOf({ database: "untouched", dump, ...more }));
    await expect(run({ dump: join(room, "none.dump") })).rejects.toMatchObject({ retryable: false });
    await expect(run({ dump: join(room, "archive") })).rejects.toThrow("there is no dump");
    await expect(run({ verify: "select false" })).rejects.toThrow("verify told false, not true");
    await expect(run({ verify: "select nothing" })).rejects.toThrow('column "nothing" does not exist');
    const user = await connect({ ...access.server, database: "untouched" });
    await expect(run({})).rejects.toThrow("untouched is in use");
    expect((await user.query(told)).rows).toEqual([{ count: 100 }]);
    await user.end();
    expect(await databases()).toEqual([]);
    const controller = new AbortController();
    const sleepy = contextOf({ database: "untouched", dump, verify: "select pg_sleep(60) is null" });
    const running = restore.run({ ...sleepy, signal: controller.signal }) as Promise<unknown>;
    running.catch(() => undefined);
    const sleeping = "select 1 from pg_stat_activity where query like 'select pg_sleep(60)%' and state = 'active'";
    while ((await query("postgres", sleeping)).length === 0);
    controller.abort(new Error("enough"));
    await expect(running).rejects.toThrow();
    expect(await databases()).toEqual([]);
    // Of one that was never there, nothing is left after the way back.
    const context = contextOf({ database: "brand_new", dump });
    const output = (await restore.run(context)) as JsonValue;
    expect(await query("brand_new", told)).toEqual([100]);
    await undone(restore, context, output);
    expect(await query("postgres", "select 1 from pg_database where datname = 'brand_new'")).toEqual([]);
  });

  it("takes single tables, with all that CASCADE took along, in one transaction and once", async () => {
    const dump = await makeShop("tables");
    await query("tables", "drop table orders cascade; insert into customers values (11, 'after')");
    const restore = postgresqlRestore({ ...access, keepDirectory: join(room, "kept") });
    const context = contextOf({ database: "tables", dump, tables: ["public.orders"] });
    const output = (await restore.run(context)) as JsonValue;
    expect(await query("tables", "select cents from turnover")).toEqual([5050]);
    expect(await query("tables", "insert into orders (customer, cents) values (11, 1) returning id")).toEqual([101]);
    await expect(query("tables", "insert into notes values (3, 999)")).rejects.toThrow("foreign key");
    expect(await query("tables", "select indexname from pg_indexes where tablename = 'orders' order by 1")).toEqual([
      "orders_of",
      "orders_pkey",
    ]);
    // A second time would undo what was written since.
    await restore.run({ ...context, attempt: 2 });
    expect(await query("tables", "select count(*)::int from orders")).toEqual([101]);

    const next = contextOf({ database: "tables", dump, tables: ["public.orders"] });
    const second = (await restore.run(next)) as JsonValue;
    expect(await query("tables", "select count(*)::int from orders")).toEqual([100]);
    await undone(restore, next, second);
    expect(await query("tables", "select count(*)::int, (select cents from turnover) from orders")).toEqual([
      101, 5051,
    ]);
    await undone(restore, context, output);
    expect(await query("tables", "select to_regclass('orders')")).toEqual([null]);
    const customers = contextOf({ database: "tables", dump, tables: ["public.customers"] });
    // What the dump knows nothing of is not dropped along.
    await query("tables", "create view mine as select name from customers");
    await expect(restore.run(customers)).rejects.toThrow("depend on it");
    expect(await query("tables", "select count(*)::int from mine")).toEqual([11]);
    const none = contextOf({ database: "tables", dump, tables: ["public.nothing"] });
    await expect(restore.run(none)).rejects.toThrow("the dump has no table public.nothing");
  });
});

describe("a point in time", () => {
  const inPast = (): StepExecutor =>
    postgresqlPointInTime({
      ...access,
      as,
      backups: join(room, "backups"),
      archive: join(room, "archive"),
      directory: join(room, "recovered"),
      settings: { listen_addresses: "127.0.0.1", unix_socket_directories: "", fsync: "off" },
    });

  it("is reached by name, time and the drop of a table, and refused beyond the archive", async () => {
    await query("postgres", "create table ledger (id serial primary key, at timestamptz default clock_timestamp())");
    const backups = join(room, "backups");
    const backup = postgresqlBackup({ ...access, directory: backups, as, sync: false });
    const taken = contextOf({});
    expect(await backup.run(taken)).toMatchObject({ timeline: 1 });
    expect(await backup.run(taken)).toEqual((await listBaseBackups(backups))[0]);
    await chmod(backups, 0o755);
    const tick = "insert into ledger default values";
    await query("postgres", tick);
    await query("postgres", "select pg_create_restore_point('one')");
    await query("postgres", tick);
    const [lsn] = (await query("postgres", "select pg_current_wal_insert_lsn()::text")) as [string];
    const [time] = (await query(
      "postgres",
      "select to_char(clock_timestamp() at time zone 'UTC' + '1 ms', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
    )) as [string];
    while (Date.now() <= Date.parse(time) + 1);
    await query("postgres", tick);
    const [path] = (await query("postgres", "select pg_relation_filepath('ledger')")) as [string];
    await query("postgres", "drop table ledger");
    const executor = inPast();
    const rows = async (parameters: { readonly [name: string]: JsonValue }): Promise<unknown> => {
      const context = contextOf({ ...parameters, port: await freePortRange(1) });
      const output = (await executor.run(context)) as { port: number; lsn: string };
      const told = await query("postgres", "select count(*)::int, pg_is_in_recovery() from ledger", output.port);
      // The record of its end was lost: the same server, with what was written to it since.
      await query("postgres", "create table since ()", output.port);
      expect(await executor.run({ ...context, attempt: 2 })).toEqual(output);
      expect(await query("postgres", "select to_regclass('since')::text", output.port)).toEqual(["since"]);
      await undone(executor, context, output);
      await expect(query("postgres", "select 1", output.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
      return told;
    };
    expect(await rows({ name: "one" })).toEqual([1, false]);
    // By its place in the log, a drop is found like any other.
    const [byTime, byDrop] = await Promise.all([rows({ time }), rows({ dropOf: path })]);
    expect([byTime, byDrop]).toEqual([
      [2, false],
      [3, false],
    ]);
    const refused = (parameters: { readonly [name: string]: JsonValue }): unknown =>
      executor.run(contextOf({ ...parameters, port: 1, source: false }));
    await expect(refused({ name: "two" })).rejects.toThrow("the archive has no restore point two");
    await expect(refused({ lsn: "7/0" })).rejects.toThrow("the archive does not reach 7/0");
    await expect(refused({ lsn: "0/28" })).rejects.toThrow("before every base backup");
    await expect(refused({ time: "2020-01-01T00:00:00Z" })).rejects.toThrow("before every base backup");
    await expect(refused({ time: "2999-01-01T00:00:00Z" })).rejects.toThrow("its last commit is of");
    await expect(refused({ dropOf: "base/5/1" })).rejects.toThrow("tells of no drop");
    expect(executor.check!({ name: "one", lsn })).toBe(
      "must have exactly one of time, name, lsn, dropOf (got name and lsn)",
    );
    expect(await readdir(join(room, "recovered"))).toEqual([]);
    // A gap is no way.
    const [first] = (await readdir(join(room, "archive"))).filter((name) => /^[0-9A-F]{24}$/.test(name)).toSorted();
    const [{ startLsn } = { startLsn: "" }] = await listBaseBackups(backups);
    const segment = `00000001${"0".repeat(8)}${Math.floor(parseInt(startLsn.split("/")[1]!, 16) / 2 ** 20)
      .toString(16)
      .toUpperCase()
      .padStart(8, "0")}`;
    expect(segment > first!).toBe(true);
    await rm(join(room, "archive", segment));
    await expect(refused({ name: "one" })).rejects.toThrow(`lacks ${segment}`);
  });
});
