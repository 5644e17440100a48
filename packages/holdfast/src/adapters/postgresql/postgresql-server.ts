import { checkFunction, checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";

/** Where a server is, and as whom one speaks to it. */
export interface PostgresqlServer {
  /** A name, an address, or the directory of its Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Handed to programs in their environment. Better: `passwordFile`. */
  readonly password?: string;
  /** In the format of `.pgpass`, readable by its owner alone. */
  readonly passwordFile?: string;
}

/** As much of a connection (`pg`'s `Client`, for instance) as is needed. */
export interface PostgresqlSession {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly object[] }>;
  end(): Promise<unknown>;
}

export type ConnectPostgresql = (place: PostgresqlPlace) => Promise<PostgresqlSession>;

export interface PostgresqlPlace extends PostgresqlServer {
  readonly database: string;
}

/** What all executors on PostgreSQL need. */
export interface PostgresqlAccess {
  readonly server: PostgresqlServer;
  readonly connect: ConnectPostgresql;
  /** The directory of `pg_dump` and the rest; default `findPostgresqlPrograms()`, else what the path finds. */
  readonly programs?: string;
  /** The type of its steps, where a plan has several of a kind. */
  readonly type?: string;
}

const accessNames: readonly string[] = ["server", "connect", "programs", "type"];

/** @throws InvalidArgumentError */
export function checkAccess(name: string, options: PostgresqlAccess, more: readonly string[] = []): void {
  checkOptionNames(name, options, [...accessNames, ...more]);
  if (checkFunction(`${name}.connect`, options.connect) === undefined) {
    throw new InvalidArgumentError(`${name}.connect`, "must be a function", options.connect);
  }
  const { server } = options;
  checkOptionNames(`${name}.server`, server, ["host", "port", "user", "password", "passwordFile"]);
  checkInteger(`${name}.server.port`, server.port, 1, 65_535);
  checkTexts(`${name}.server`, { host: server.host, user: server.user });
}

/** @throws InvalidArgumentError for one that is empty, or no text */
export function checkTexts(name: string, texts: Readonly<Record<string, unknown>>): void {
  for (const [each, text] of Object.entries(texts)) {
    if (typeof text !== "string" || text === "") {
      throw new InvalidArgumentError(`${name}.${each}`, "must be text that is not empty", text);
    }
  }
}

/** A connection for as long as `use` needs it; it is closed when the signal fires. */
export async function inDatabase<T>(
  { connect, server }: Pick<PostgresqlAccess, "connect" | "server">,
  database: string,
  signal: AbortSignal,
  use: (session: PostgresqlSession) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const session = await connect({ ...server, database });
  const end = (): void => void session.end().catch(() => undefined);
  signal.addEventListener("abort", end, { once: true });
  try {
    signal.throwIfAborted();
    return await use(session);
  } finally {
    signal.removeEventListener("abort", end);
    await session.end().catch(() => undefined);
  }
}

/** The first row's fields, as texts, numbers or null. */
export async function firstRow(
  session: PostgresqlSession,
  text: string,
  values: unknown[] = [],
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const [row] = (await session.query(text, values)).rows;
  return row as Readonly<Record<string, unknown>> | undefined;
}

/** A name in SQL, whatever is in it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text in SQL and in configuration files, whatever is in it. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
