import { inLine } from "./in-line.ts";

/** One connection to a database: `pg`'s `Client`, or what its `Pool` lends. */
export interface SqlConnection {
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly object[] }>;
  /** Gives it back to its pool; `true` has it closed. */
  release?(destroy?: boolean): void;
}

/** Lends connections, as `pg`'s `Pool` does. */
export interface SqlPool {
  readonly totalCount: number;
  connect(): Promise<SqlConnection>;
}

export type SqlSource = SqlConnection | SqlPool;

/**
 * The rows of one question in a transaction that can only read, of a PostgreSQL database. The database itself gives up
 * after `timeoutMs`. A connection of a pool whose question was not answered is closed.
 *
 * @throws the signal's reason; what the database refuses with
 */
export async function readRows(
  source: SqlSource,
  { text, values }: { readonly text: string; readonly values: readonly unknown[] },
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<readonly object[]> {
  // A transaction must not get another's questions.
  if (!isPool(source)) return await inLine(source, () => readOnly(source, text, values, timeoutMs, signal));
  const connecting = source.connect();
  const connection = await unlessAborted(connecting, signal).catch((error: unknown) => {
    connecting.then(
      (late) => late.release?.(),
      () => undefined,
    );
    throw error;
  });
  let isClean = false;
  try {
    const rows = await unlessAborted(readOnly(connection, text, values, timeoutMs, signal), signal);
    isClean = true;
    return rows;
  } finally {
    connection.release?.(!isClean);
  }
}

function isPool(source: SqlSource): source is SqlPool {
  return "totalCount" in source;
}

async function readOnly(
  connection: SqlConnection,
  text: string,
  values: readonly unknown[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<readonly object[]> {
  // Its turn may have come too late.
  signal.throwIfAborted();
  await connection.query("START TRANSACTION READ ONLY");
  try {
    await connection.query(`SET LOCAL statement_timeout = ${Math.max(1, Math.ceil(timeoutMs))}`);
    return (await connection.query(text, values)).rows;
  } finally {
    await connection.query("ROLLBACK");
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, over]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
