import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";

/** undefined_table */
export const tableIsGone = "42P01";
const lookMs = 100;

/**
 * Looks whether a table is there, from time to time and whenever somebody was told that it is not; remembers in which file
 * it was, by which the log tells of its end.
 */
export class TableWatch {
  readonly #connect: () => Promise<Client>;
  readonly #table: string;
  readonly #onLost: (relation: string) => void;
  readonly #stopping = new AbortController();
  #nudge = new AbortController();
  #relation: string | undefined;
  #task: Promise<void> | undefined;

  constructor(connect: () => Promise<Client>, table: string, onLost: (relation: string) => void) {
    this.#connect = connect;
    this.#table = table;
    this.#onLost = onLost;
  }

  /** Resolves when it has seen the table. */
  async begin(): Promise<void> {
    const client = await this.#connect();
    this.#relation = await this.#look(client);
    if (this.#relation === undefined) throw new Error(`there is no table ${this.#table}`);
    this.#task = this.#watch(client);
  }

  /** That somebody's question was refused, and how. */
  hear(code: string): void {
    if (code === tableIsGone) this.#nudge.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#nudge.abort();
    await this.#task;
  }

  async #watch(client: Client): Promise<void> {
    try {
      while (!this.#stopping.signal.aborted) {
        const relation = await this.#look(client);
        if (relation === undefined) {
          this.#onLost(this.#relation ?? "");
          return;
        }
        this.#relation = relation;
        await delay(lookMs, undefined, { signal: this.#nudge.signal }).catch(() => undefined);
        if (!this.#stopping.signal.aborted) this.#nudge = new AbortController();
      }
    } catch {
      // It is the database that is gone then, not the table.
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async #look(client: Client): Promise<string | undefined> {
    const { rows } = await client.query("select pg_relation_filepath(to_regclass($1)) as path", [this.#table]);
    return (rows as readonly { readonly path: string | null }[])[0]?.path ?? undefined;
  }
}
