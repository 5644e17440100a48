import { StepFailure } from "../../recovery/index.ts";
import { firstRow, quoteName, quoteText, type PostgresqlSession } from "./postgresql-server.ts";

const pauseMs = 20;

/** By which a database is known whatever its name is; null when there is none. */
export async function databaseId(session: PostgresqlSession, name: string): Promise<number | null> {
  const row = await firstRow(session, "select oid::int as id from pg_database where datname = $1", [name]);
  return (row?.["id"] as number | undefined) ?? null;
}

export async function databaseComment(session: PostgresqlSession, name: string): Promise<string | null> {
  const text = "select shobj_description(oid, 'pg_database') as comment from pg_database where datname = $1";
  return ((await firstRow(session, text, [name]))?.["comment"] as string | null | undefined) ?? null;
}

/** @throws StepFailure while somebody is connected to it */
export async function refuseUsers(session: PostgresqlSession, name: string): Promise<void> {
  const row = await firstRow(session, "select count(*)::int as users from pg_stat_activity where datname = $1", [name]);
  if (row?.["users"] === 0) return;
  throw new StepFailure("database", `${name} is in use: disconnect: true would throw its users out`);
}

/** Like another one, where that is there, and empty. */
export async function createDatabaseLike(session: PostgresqlSession, name: string, like: string): Promise<void> {
  const row = await firstRow(
    session,
    `select pg_get_userbyid(datdba) as owner, pg_encoding_to_char(encoding) as encoding, datcollate, datctype
       from pg_database where datname = $1`,
    [like],
  );
  const { owner, encoding, datcollate, datctype } = (row ?? {}) as Readonly<Record<string, string>>;
  const same =
    owner === undefined || encoding === undefined || datcollate === undefined || datctype === undefined
      ? ""
      : ` owner ${quoteName(owner)} encoding ${quoteText(encoding)} lc_collate ${quoteText(datcollate)} lc_ctype ${quoteText(datctype)}`;
  await session.query(`create database ${quoteName(name)} template template0${same}`);
}

export async function dropDatabase(session: PostgresqlSession, name: string): Promise<void> {
  await session.query(`drop database if exists ${quoteName(name)} with (force)`);
}

/** Nobody new comes in, and who is in is thrown out. Superusers come in all the same: they are thrown out, too. */
export async function closeDatabase(session: PostgresqlSession, name: string): Promise<void> {
  await session.query(`alter database ${quoteName(name)} allow_connections false`);
  await disconnectAll(session, name);
}

export async function disconnectAll(session: PostgresqlSession, name: string): Promise<void> {
  await session.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [name]);
}

export async function openDatabase(session: PostgresqlSession, name: string): Promise<void> {
  if ((await databaseId(session, name)) !== null) {
    await session.query(`alter database ${quoteName(name)} allow_connections true`);
  }
}

/**
 * Renames in one transaction: one sees the databases as they were, or as they are. Who was thrown out may take a moment
 * to be gone; who is still in after `patienceMs` makes it fail.
 */
export async function renameDatabases(
  session: PostgresqlSession,
  renames: readonly (readonly [from: string, to: string])[],
  { patienceMs, signal }: { readonly patienceMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    signal.throwIfAborted();
    await session.query("begin");
    try {
      for (const [from, to] of renames) {
        await session.query(`alter database ${quoteName(from)} rename to ${quoteName(to)}`);
      }
      await session.query("commit");
      return;
    } catch (error) {
      await session.query("rollback");
      // object_in_use
      if ((error as { readonly code?: unknown }).code !== "55006") throw error;
      if (performance.now() > giveUpAt) {
        throw new StepFailure("database", (error as Error).message, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
