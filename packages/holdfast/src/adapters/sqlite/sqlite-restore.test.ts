import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { JsonValue, StepContext } from "../../recovery/index.ts";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { backupSqlite, sqliteDiscard, sqliteRestore } from "./index.ts";

const room = mkdtempSync(join(tmpdir(), "holdfast-sqlite-"));
afterAll(() => rmSync(room, { recursive: true }));

let rooms = 0;
let directory: string;
let database: string;
let backup: string;
beforeEach(() => {
  directory = join(room, `${++rooms}`);
  database = `${directory}-shop.db`;
  backup = `${directory}-shop.backup`;
});

function change(text: string, file: string = database): void {
  const open = new DatabaseSync(file);
  open.exec(text);
  open.close();
}

function rows(file: string = database): unknown[] {
  const open = new DatabaseSync(file, { readOnly: true });
  try {
    return open
      .prepare("select name from things order by 1")
      .all()
      .map((row) => row["name"]);
  } finally {
    open.close();
  }
}

let steps = 0;

function contextOf(parameters: StepContext["parameters"] = { database, backup }): StepContext {
  const stepId = `s${++steps}`;
  const names = { planId: "p", executionId: "e", stepId, idempotencyKey: `e/${stepId}` };
  const { signal } = new AbortController();
  return { ...names, attempt: 1, fencingToken: 1, outputs: new Map(), parameters, signal };
}

const { run, rollback } = sqliteRestore();
const left = (): string[] =>
  readdirSync(room).filter((name) => name.startsWith(`${rooms}-`) && name.includes("holdfast"));

describe.each(["wal", "delete"])("a database in mode %s", (mode) => {
  it("is backed up while it is used, restored, put back, and what was kept is discarded", async () => {
    change(`pragma journal_mode = ${mode}; create table things (name text); insert into things values ('a')`);
    const user = new DatabaseSync(database);
    user.exec("insert into things values ('b')");
    expect(await backupSqlite({ database, file: backup })).toMatchObject({ file: backup });
    expect(existsSync(`${backup}-wal`)).toBe(false);
    user.exec("insert into things values ('c')");
    user.close();

    const context = contextOf();
    const output = (await run(context)) as { previous: string };
    expect(rows()).toEqual(["a", "b"]);
    expect(rows(output.previous)).toEqual(["a", "b", "c"]);
    change("insert into things values ('d')");
    // The record of its end was lost.
    expect(await run({ ...context, attempt: 2 })).toEqual(output);
    expect(rows()).toEqual(["a", "b", "d"]);
    const open = new DatabaseSync(database);
    expect(open.prepare("pragma journal_mode").get()).toEqual({ journal_mode: mode });
    open.close();

    await rollback!({ ...context, output });
    await rollback!({ ...context, output });
    expect(rows()).toEqual(["a", "b", "c"]);
    expect(left()).toEqual([]);

    const again = contextOf();
    const { previous } = (await run(again)) as { previous: string };
    await sqliteDiscard().run(contextOf({ previous }));
    await sqliteDiscard().run(contextOf({ previous }));
    expect(left()).toEqual([]);
    expect(rows()).toEqual(["a", "b"]);
  });

  it("is not replaced under a transaction", async () => {
    change(`pragma journal_mode = ${mode}; create table things (name text); insert into things values ('a')`);
    await backupSqlite({ database, file: backup });
    const user = new DatabaseSync(database);
    user.exec("begin immediate; insert into things values ('b')");
    await expect(run(contextOf())).rejects.toThrow("is in use: stop who uses it before");
    user.exec("commit");
    user.close();
    expect(rows()).toEqual(["a", "b"]);
    expect(left()).toEqual([]);
  });
});

describe("a SQLite restore", () => {
  beforeEach(async () => {
    change("create table things (name text); insert into things values ('a')");
    await backupSqlite({ database, file: backup });
    change("insert into things values ('b')");
  });

  it("refuses one in write-ahead mode that somebody has open", async () => {
    change("pragma journal_mode = wal");
    const user = new DatabaseSync(database);
    expect(user.prepare("select count(*) as n from things").get()).toEqual({ n: 2 });
    await expect(run(contextOf())).rejects.toThrow("is in use");
    user.close();
    await run(contextOf());
    expect(rows()).toEqual(["a"]);
  });

  it.each([
    ["nothing", undefined, "there is no"],
    ["no database", "x".repeat(8_192), "is damaged: file is not a database"],
  ])("takes %s for no backup, and touches nothing", async (_, content, message) => {
    rmSync(backup);
    if (content !== undefined) writeFileSync(backup, content);
    await expect(run(contextOf())).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining(message),
    });
    expect(rows()).toEqual(["a", "b"]);
    expect(left()).toEqual([]);
  });

  it("cures a damaged one, with its log, and one that is gone", async () => {
    writeFileSync(database, "x".repeat(8_192));
    writeFileSync(`${database}-wal`, "y".repeat(4_096));
    const context = contextOf();
    const output = (await run(context)) as JsonValue;
    expect(rows()).toEqual(["a"]);
    expect(existsSync(`${database}-wal`)).toBe(false);
    await rollback!({ ...context, output });
    expect(existsSync(`${database}-wal`)).toBe(true);
    expect(() => rows()).toThrow("not a database");

    for (const suffix of ["", "-wal"]) rmSync(`${database}${suffix}`);
    const fresh = contextOf();
    const made = (await run(fresh)) as JsonValue;
    expect(made).toEqual({ database, previous: null });
    expect(rows()).toEqual(["a"]);
    await rollback!({ ...fresh, output: made });
    expect(existsSync(database)).toBe(false);
  });

  it("goes on after a crash at its last moment, and before it", async () => {
    const context = contextOf();
    const { previous } = (await run(context)) as { previous: string };
    // As if the rename had not come about: the draft is there, and so is the mark.
    const name = (what: string): string => previous.replace("holdfast-old", `holdfast-${what}`);
    expect(existsSync(name("done"))).toBe(true);
    rmSync(database);
    change("create table things (name text); insert into things values ('b')");
    writeFileSync(name("new"), "half of it");
    await run({ ...context, attempt: 2 });
    expect(rows()).toEqual(["a"]);
    await rollback!({ ...context, output: { previous } });
    expect(rows()).toEqual(["b"]);
  });
});
