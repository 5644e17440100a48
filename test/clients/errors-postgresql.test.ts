import { once } from "node:events";
import { open as openFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { Client, Pool } from "pg";
import { builtInClassifiers, classify } from "holdfast/errors";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { caught, ClassifiedRows } from "./classified-rows.ts";
import { startPostgresql, type RealServer } from "./real-servers.ts";

const postgresql = new ClassifiedRows(builtInClassifiers.find(({ system }) => system === "postgresql")!);
const clients: Client[] = [];
let server: RealServer;
let client: Client;

beforeAll(async () => {
  server = await startPostgresql({
    max_connections: 12,
    superuser_reserved_connections: 1,
    max_prepared_transactions: 0,
  });
  client = await untilOpen(server);
  await client.query("create table t (id int primary key, n int check (n > 0))");
  await client.query("insert into t values (1, 1), (2, 2)");
});

afterAll(async () => {
  await Promise.all(clients.map((each) => each.end().catch(() => {})));
  await server.close();
});

async function open(options: object = {}): Promise<Client> {
  const made = new Client({ host: "127.0.0.1", port: server.port, user: "postgres", database: "postgres", ...options });
  made.on("error", () => {});
  await made.connect();
  clients.push(made);
  return made;
}

/** It listens before it can answer. */
async function untilOpen({ port }: RealServer): Promise<Client> {
  const giveUpAt = performance.now() + 20_000;
  for (;;) {
    try {
      return await open({ port });
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
    }
  }
}

async function expectRow(key: string, ...queries: readonly string[]): Promise<void> {
  const used = await open();
  const last = queries.at(-1)!;
  for (const query of queries.slice(0, -1)) await used.query(query).catch(() => {});
  postgresql.expectRow(await caught(() => used.query(last)), key);
  await used.end();
}

describe("SQLSTATE", () => {
  it.each<[string, readonly string[]]>([
    ["08*", ["create extension dblink", "select dblink_connect('host=127.0.0.1 port=9')"]],
    ["0A*", ["select count(distinct n) over () from t"]],
    ["22*", ["select 1 / 0"]],
    ["23*", ["insert into t values (3, -1)"]],
    ["23505", ["insert into t values (1, 1)"]],
    ["25006", ["set default_transaction_read_only = on", "insert into t values (4, 4)"]],
    ["25P02", ["begin", "selekt", "select 1"]],
    // Of itself CockroachDB says so, not PostgreSQL.
    ["40003", ["do $$ begin raise exception 'perhaps' using errcode = '40003'; end $$"]],
    ["42*", ["selekt 1"]],
    ["42704", ["drop type nothing"]],
    ["42883", ["select nothing(1)"]],
    ["42P01", ["select * from none"]],
    ["42P07", ["create table t (n int)"]],
    ["53*", ["set temp_file_limit = 64; set work_mem = 64", "select * from generate_series(1, 100000) n order by -n"]],
    ["53100", ["copy t to '/dev/full'"]],
    ["53200", ["select pg_advisory_lock(n) from generate_series(1, 100000) n"]],
    ["54*", [`select 1${", 1".repeat(1700)}`]],
    ["55000", ["create sequence s", "select currval('s')"]],
    ["55006", ["drop database template1; drop database postgres", "drop database postgres"]],
    ["57014", ["set statement_timeout = 30", "select pg_sleep(5)"]],
    ["58*", ["load '/nowhere/library'"]],
    ["P0001", ["do $$ begin raise exception 'refused'; end $$"]],
    ["25P03", ["set idle_in_transaction_session_timeout = 30", "begin", "select pg_sleep(0)"]],
  ])("%s", async (key, queries) => {
    if (key === "25P03") {
      const used = await open();
      const failed = once(used, "error");
      await used.query(queries[0]!);
      await used.query("begin");
      const [error] = (await failed) as unknown[];
      postgresql.expectRow(error, key);
      return;
    }
    await expectRow(key, ...queries);
  });

  it("28* and 3D000, on connecting", async () => {
    postgresql.expectRow(await caught(() => open({ user: "nobody" })), "28*");
    postgresql.expectRow(await caught(() => open({ database: "none" })), "3D000");
  });

  it("08P01: fewer values than the query has places for", async () => {
    const error = await caught(() => client.query("select $1::int, $2::int", [1]));
    postgresql.expectRow(error, "08P01");
  });

  it("XX000: two sessions change the rights to a table at once", async () => {
    const [one, two] = [await open(), await open()];
    await one.query("create table shared (n int)");
    await one.query("begin; grant select on shared to public");
    const waiting = caught(() => two.query("grant insert on shared to public"));
    await untilWaiting(one, two);
    await one.query("commit");
    postgresql.expectRow(await waiting, "XX000");
    await one.end();
    await two.end();
  });

  it("XX001 and XX002: files that were overwritten", async () => {
    await client.query("create database whole");
    const maker = await open({ database: "whole" });
    await maker.query("create table numbers (n int primary key); insert into numbers select generate_series(1, 5000)");
    const { rows } = await maker.query<{ readonly table: number; readonly index: number }>(
      `select pg_relation_filenode('numbers') as table, pg_relation_filenode('numbers_pkey') as index`,
    );
    await maker.end();
    // A copy, of which the server holds no pages yet.
    await client.query("create database damaged template whole strategy file_copy");
    const { rows: found } = await client.query<{ readonly oid: number }>(
      "select oid from pg_database where datname = 'damaged'",
    );
    const files = join(server.directory, "data/base", String(found[0]!.oid));
    await overwrite(join(files, String(rows[0]!.table)), 0, Buffer.alloc(8192, 0xa5));
    await overwrite(join(files, String(rows[0]!.index)), 8192, Buffer.alloc(8192));
    const used = await open({ database: "damaged" });
    postgresql.expectRow(await caught(() => used.query("select sum(n) from numbers")), "XX001");
    const lookUp = "set enable_seqscan = off; select n from numbers where n = 1";
    postgresql.expectRow(await caught(() => used.query(lookUp)), "XX002");
    await used.end();
  });

  it("42501", async () => {
    await client.query("create role guest login");
    const guest = await open({ user: "guest" });
    postgresql.expectRow(await caught(() => guest.query("select * from t")), "42501");
    await guest.end();
  });

  it("40001: two transactions that cannot be put in an order", async () => {
    const [one, two] = [await open(), await open()];
    for (const each of [one, two]) await each.query("begin isolation level repeatable read; select * from t");
    await one.query("update t set n = n + 1 where id = 1");
    const waiting = caught(() => two.query("update t set n = n + 1 where id = 1"));
    await one.query("commit");
    const failure = postgresql.expectRow(await waiting, "40001");
    expect([failure.kind, failure.retryable, failure.effect]).toEqual(["resource", true, "none"]);
    await one.end();
    await two.end();
  });

  it("40P01: two transactions that wait for each other", async () => {
    const [one, two] = [await open(), await open()];
    for (const each of [one, two]) await each.query("set deadlock_timeout = 20; begin");
    await one.query("update t set n = n where id = 1");
    await two.query("update t set n = n where id = 2");
    const outcomes = await Promise.allSettled([
      one.query("update t set n = n where id = 2"),
      two.query("update t set n = n where id = 1"),
    ]);
    await Promise.all([one.query("rollback"), two.query("rollback")]);
    const lost = outcomes.find((outcome) => outcome.status === "rejected");
    postgresql.expectRow(lost?.reason, "40P01");
    await one.end();
    await two.end();
  });

  it("55P03 and 57014 by the user's wish", async () => {
    const [one, two] = [await open(), await open()];
    await one.query("begin; update t set n = n where id = 1");
    const locked = await caught(() => two.query("select * from t where id = 1 for update nowait"));
    postgresql.expectRow(locked, "55P03");
    const { rows } = await two.query<{ readonly pid: number }>("select pg_backend_pid() as pid");
    const sleeping = caught(() => two.query("select pg_sleep(5)"));
    await untilActive(rows[0]!.pid);
    await one.query(`select pg_cancel_backend(${rows[0]!.pid})`);
    postgresql.expectRow(await sleeping, "57014 user request");
    await one.query("rollback");
    const { rows: again } = await two.query<{ readonly pid: number }>("select pg_backend_pid() as pid");
    const ended = caught(() => two.query("select pg_sleep(5)"));
    await untilActive(again[0]!.pid);
    await one.query(`select pg_terminate_backend(${again[0]!.pid})`);
    const failure = postgresql.expectRow(await ended, "57P01");
    expect([failure.kind, failure.retryable, failure.effect]).toEqual(["network", true, "unknown"]);
    await one.end();
  });

  it("53300: too many connections", async () => {
    await client.query("alter role guest connection limit 1");
    const first = await open({ user: "guest" });
    const failure = postgresql.expectRow(await caught(() => open({ user: "guest" })), "53300");
    expect([failure.kind, failure.retryable, failure.effect]).toEqual(["resource", true, "none"]);
    await first.end();
  });
});

async function overwrite(path: string, position: number, bytes: Buffer): Promise<void> {
  const file = await openFile(path, "r+");
  await file.write(bytes, 0, bytes.length, position);
  await file.close();
}

/** Waits until the second waits for a lock that the first holds. */
async function untilWaiting(first: Client, second: Client): Promise<void> {
  for (;;) {
    const { rows } = await first.query<{ readonly by: readonly number[] }>(
      `select pg_blocking_pids(${(second as unknown as { readonly processID: number }).processID}) as by`,
    );
    if (rows[0]!.by.length > 0) return;
  }
}

/** Waits until the backend runs its query. */
async function untilActive(pid: number): Promise<void> {
  for (;;) {
    const { rowCount } = await client.query(
      `select 1 from pg_stat_activity where pid = ${pid} and state = 'active' and query like '%sleep%'`,
    );
    if (rowCount === 1) return;
  }
}

it("57P03: a server that is being shut down", async () => {
  const leaving = await startPostgresql();
  onTestFinished(() => leaving.close());
  await untilOpen(leaving);
  const last = await open({ port: leaving.port });
  // It waits for those who are there, and lets nobody in any more.
  leaving.process.kill("SIGTERM");
  const failure = postgresql.expectRow(await untilRefused(leaving.port), "57P03");
  expect([failure.kind, failure.retryable, failure.effect]).toEqual(["resource", true, "none"]);
  await last.end();
});

async function untilRefused(port: number): Promise<unknown> {
  for (;;) {
    const error = await open({ port }).then(
      (made) => made.end(),
      (refused: unknown) => refused,
    );
    if (error !== undefined) return error;
  }
}

describe("the client's own", () => {
  it("a query that takes too long", async () => {
    const hasty = await open({ query_timeout: 30 });
    const failure = postgresql.expectRow(await caught(() => hasty.query("select pg_sleep(5)")), "Query read timeout");
    expect([failure.kind, failure.effect]).toEqual(["timeout", "unknown"]);
  });

  it("a connection that takes too long", async () => {
    const silent = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    postgresql.expectRow(await caught(() => open({ port, connectionTimeoutMillis: 30 })), "timeout expired");
    const pool = new Pool({ host: "127.0.0.1", port, connectionTimeoutMillis: 30 });
    postgresql.expectRow(await caught(() => pool.query("select 1")), "Connection terminated due to connection timeout");
    await pool.end();
    silent.close();
  });

  it("a pool that is full, and one that is closed", async () => {
    const options = { host: "127.0.0.1", port: server.port, user: "postgres", max: 1 };
    const pool = new Pool(options);
    const taken = await pool.connect();
    pool.options.connectionTimeoutMillis = 30;
    postgresql.expectRow(await caught(() => pool.query("select 1")), "timeout exceeded when trying to connect");
    taken.release();
    await pool.end();
    postgresql.expectRow(await caught(() => pool.query("select 1")), "Cannot use a pool after calling end on the pool");
  });

  it("a client that is closed", async () => {
    const used = await open();
    const asked = caught(() => used.query("select pg_sleep(5)"));
    const closing = used.end();
    postgresql.expectRow(await caught(() => used.query("select 1")), "Client was closed and is not queryable");
    void closing;
    used.connection.stream.destroy();
    postgresql.expectRow(await asked, "Connection terminated");
  });

  it("nobody listens", async () => {
    expect(classify(await caught(() => open({ port: 9 })))).toMatchObject({ rule: "node ECONNREFUSED" });
  });

  it("a server that is killed in the middle of a query", async () => {
    const used = await open();
    const asked = caught(() => used.query("select pg_sleep(5)"));
    await server.close();
    const error = await asked;
    const failure = classify(error);
    expect(failure).toMatchObject({ kind: "network", code: "CONNECTION_LOST", effect: "unknown", retryable: true });
    postgresql.expectRow(error, (failure.rule ?? "").replace("postgresql ", ""));
    const late = await caught(() => used.query("select 1"));
    postgresql.expectRow(late, "Client has encountered a connection error and is not queryable");
  });
});

it("every row was provoked, or is listed as one that cannot be", () => postgresql.expectAll());
