import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { runInNewContext } from "node:vm";
import { CanceledError } from "axios";
import { bulkhead, circuitBreaker, handleAll, timeout, ConsecutiveBreaker, TimeoutStrategy } from "cockatiel";
import { builtInClassifiers, classify, type Classifier } from "holdfast/errors";
import { bulkhead as ownBulkhead, retry, timeout as ownTimeout } from "holdfast/resilience";
// @ts-expect-error: it has no types
import opossum from "opossum";
import pTimeout from "p-timeout";
import { afterAll, describe, expect, it } from "vitest";
import { caught, ClassifiedRows } from "../clients/classified-rows.ts";
import { sqliteRows } from "./kernel-rows.ts";

const named = (name: string): Classifier => builtInClassifiers.find(({ system }) => system === name)!;
const policy = new ClassifiedRows(named("policy"));
const abort = new ClassifiedRows(named("abort"));
const javascript = new ClassifiedRows(named("javascript"));
const sqlite = new ClassifiedRows(named("sqlite"));

/** As much of it as is used here. */
const CircuitBreaker = opossum as new (
  action: () => Promise<unknown>,
  options: object,
) => { fire(): Promise<unknown>; open(): void; shutdown(): void };

const never = (): Promise<never> => new Promise(() => {});
const fails = (): Promise<never> => Promise.reject(new Error("broken"));

describe("other libraries' rejections", () => {
  it("cockatiel's", async () => {
    const broken = circuitBreaker(handleAll, { halfOpenAfter: 10_000, breaker: new ConsecutiveBreaker(1) });
    await caught(() => broken.execute(fails));
    const failure = policy.expectRow(await caught(() => broken.execute(fails)), "isBrokenCircuitError");
    expect([failure.kind, failure.effect, failure.retryable]).toEqual(["resource", "none", true]);
    const isolated = circuitBreaker(handleAll, { halfOpenAfter: 10_000, breaker: new ConsecutiveBreaker(1) });
    isolated.isolate();
    policy.expectRow(await caught(() => isolated.execute(fails)), "isIsolatedCircuitError");
    const full = bulkhead(1);
    void full.execute(never);
    policy.expectRow(await caught(() => full.execute(never)), "isBulkheadRejectedError");
    const short = timeout(5, TimeoutStrategy.Aggressive);
    policy.expectRow(await caught(() => short.execute(never)), "isTaskCancelledError");
  });

  it("opossum's", async () => {
    const slow = new CircuitBreaker(never, { timeout: 10 });
    const failure = policy.expectRow(await caught(() => slow.fire()), "ETIMEDOUT breaker");
    expect(failure).toMatchObject({ kind: "timeout", timeoutMs: 10 });
    slow.open();
    policy.expectRow(await caught(() => slow.fire()), "EOPENBREAKER");
    slow.shutdown();
    policy.expectRow(await caught(() => slow.fire()), "ESHUTDOWN");
    const one = new CircuitBreaker(() => delay(30), { timeout: 1000, capacity: 1 });
    const first = one.fire();
    policy.expectRow(await caught(() => one.fire()), "ESEMLOCKED");
    await first;
    one.shutdown();
  });

  it("p-timeout's", async () => {
    const error = await caught(() => pTimeout(never(), { milliseconds: 7 }));
    expect(policy.expectRow(error, "Promise timed out")).toMatchObject({ kind: "timeout", timeoutMs: 7 });
  });

  it("Holdfast's own", async () => {
    const late = await caught(() => ownTimeout({ timeoutMs: 5 }).execute(never));
    expect(classify(late)).toMatchObject({ kind: "timeout", code: "OPERATION_TIMED_OUT", timeoutMs: 5, cause: late });
    const full = ownBulkhead({ maxConcurrent: 1, maxQueue: 0 });
    void full.execute(never);
    const refused = await caught(() => full.execute(never));
    expect(classify(refused)).toMatchObject({ kind: "resource", code: "BULKHEAD_FULL", effect: "none" });
    const exhausted = await caught(() => retry({ maxAttempts: 1 }).execute(fails));
    expect(classify(exhausted)).toMatchObject({ kind: "system", code: "RETRIES_EXHAUSTED", retryable: false });
    const wrong = await caught(() => retry({ maxAttempts: -1 }));
    expect(classify(wrong)).toMatchObject({ kind: "business", code: "INVALID_ARGUMENT", effect: "none" });
  });

  it("every row was provoked", () => policy.expectAll());
});

describe("reasons of signals", () => {
  it("AbortError", async () => {
    const controller = new AbortController();
    const waiting = caught(() => delay(10_000, undefined, { signal: controller.signal }));
    controller.abort();
    expect(classify(await waiting)).toMatchObject({ code: "CANCELLED", retryable: false });
    abort.expectRow(controller.signal.reason, "AbortError");
  });

  it("TimeoutError", async () => {
    const signal = AbortSignal.timeout(5);
    const reason = await new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason)));
    expect(abort.expectRow(reason, "TimeoutError").kind).toBe("timeout");
  });

  it("CanceledError", () => {
    const error = new CanceledError("given up");
    delete error.code;
    abort.expectRow(error, "CanceledError");
  });

  it("every row was provoked", () => abort.expectAll());
});

describe("the language's own errors", () => {
  it.each<[string, string]>([
    ["TypeError", "null.x"],
    ["ReferenceError", "missing"],
    ["RangeError", "new Array(-1)"],
    ["URIError", "decodeURIComponent('%')"],
    ["SyntaxError", "JSON.parse('{')"],
    ["EvalError", "throw new EvalError('x')"],
  ])("%s, of another realm", async (name, code) => {
    const error = await caught(() => runInNewContext(code));
    if (name !== "SyntaxError") expect(error).not.toBeInstanceOf(Error);
    javascript.expectRow(error, name);
  });

  it("DataCloneError", async () => {
    javascript.expectRow(await caught(() => structuredClone(() => {})), "DataCloneError");
  });

  it("QuotaExceededError", async () => {
    const error = await caught(() => crypto.getRandomValues(new Uint8Array(70_000)));
    javascript.expectRow(error, "QuotaExceededError");
  });

  it("a wrapper says less than what it wraps", () => {
    const inner = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" });
    expect(classify(new TypeError("wrapped", { cause: inner })).rule).toBe("node ECONNRESET");
  });

  it("every row was provoked, or is listed as one that cannot be", () => javascript.expectAll());
});

describe("SQLite", () => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-sqlite-"));
  const file = join(directory, "db");
  const opened: DatabaseSync[] = [];
  const open = (path = ":memory:", options = {}): DatabaseSync => {
    const database = new DatabaseSync(path, options);
    opened.push(database);
    return database;
  };

  afterAll(() => {
    for (const database of opened) database.close();
    rmSync(directory, { recursive: true });
  });

  async function expectRow(key: string, call: () => unknown): Promise<void> {
    sqlite.expectRow(await caught(call), key);
  }

  it("requests that are wrong", async () => {
    const database = open();
    database.exec("create table t (id integer primary key, n int check (n > 0), u text unique)");
    await expectRow("SQLITE_ERROR", () => database.exec("selekt 1"));
    await expectRow("SQLITE_CONSTRAINT", () => database.exec("insert into t values (1, -1, 'a')"));
    database.exec("insert into t values (1, 1, 'a')");
    await expectRow("SQLITE_CONSTRAINT unique", () => database.exec("insert into t values (2, 1, 'a')"));
    await expectRow("SQLITE_MISMATCH", () => database.exec("insert into t values ('x', 1, 'b')"));
    await expectRow("SQLITE_RANGE", () => database.prepare("select ?").get(1, 2));
    await expectRow("SQLITE_TOOBIG", () => database.prepare("select zeroblob(2000000000)").get());
    database.setAuthorizer(() => constants.SQLITE_DENY);
    await expectRow("SQLITE_AUTH", () => database.exec("select * from t"));
  });

  it("locks", async () => {
    const first = open(file);
    first.exec("create table t (n int); insert into t values (1)");
    const second = open(file, { timeout: 5 });
    first.exec("begin exclusive");
    await expectRow("SQLITE_BUSY", () => second.exec("insert into t values (2)"));
    first.exec("commit");
    const rows = first.prepare("select n from t").iterate();
    rows.next();
    await expectRow("SQLITE_LOCKED", () => first.exec("drop table t"));
    rows.return?.();
  });

  it("files", async () => {
    await expectRow("SQLITE_CANTOPEN", () => open(join(directory, "none", "db")));
    const readOnly = open(file, { readOnly: true });
    await expectRow("SQLITE_READONLY", () => readOnly.exec("insert into t values (3)"));
    const other = join(directory, "text");
    writeFileSync(other, "this is no database, but long enough to be looked at ".repeat(40));
    await expectRow("SQLITE_NOTADB", () => open(other).exec("select * from sqlite_schema"));
    const small = open();
    small.exec("pragma max_page_count = 3; create table t (b blob)");
    await expectRow("SQLITE_FULL", () => small.exec("insert into t values (zeroblob(100000))"));
    const damaged = join(directory, "damaged");
    const whole = new DatabaseSync(damaged);
    whole.exec("create table t (b blob); insert into t values (zeroblob(100000))");
    whole.close();
    truncateSync(damaged, 8192);
    await expectRow("SQLITE_CORRUPT", () => open(damaged).exec("select count(hex(b)) from t"));
  });

  it("a change of the tables under a reader", async () => {
    const reader = open();
    reader.exec("create table t (n int); insert into t values (1), (2)");
    const rows = reader.prepare("select n from t").iterate();
    reader.exec("begin; create table u (n int)");
    rows.next();
    reader.exec("rollback");
    await expectRow("SQLITE_ABORT", () => rows.next());
    // Somebody changes them each time that the query has been prepared anew.
    const shared = join(directory, "shared");
    const [asked, changed] = [open(shared), open(shared)];
    changed.exec("create table t (n int)");
    const query = asked.prepare("select n from t");
    let changes = 0;
    const change = (): void => changed.exec(`create table t${changes++} (n int)`);
    asked.setAuthorizer(() => {
      change();
      return constants.SQLITE_OK;
    });
    change();
    await expectRow("SQLITE_SCHEMA", () => query.all());
    expect(changes).toBeGreaterThan(10);
  });

  it("every row was provoked, here or by errors-kernel.test.ts", () => sqlite.expectAll(sqliteRows));
});
