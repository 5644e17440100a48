import { Client } from "pg";
import { classify } from "holdfast/errors";
import { checkTransactions, historyRecorder, type HistoryRecorder, type RecordedProcess } from "holdfast/proof";
import { nodeRuntime, seededRandom } from "holdfast/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgresql, type RealServer } from "./real-servers.ts";

type Level = "read committed" | "repeatable read" | "serializable";
type Step = readonly [f: "r", key: string, value: null] | readonly [f: "append", key: string, value: number];

const clients: Client[] = [];
let server: RealServer;
let values = 0;

beforeAll(async () => {
  server = await startPostgresql({ deadlock_timeout: 10, max_pred_locks_per_transaction: 512 });
  await (await open()).query("create table lists (key text primary key, list int[] not null)");
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await server.close();
});

/** It listens before it can answer. */
async function open(): Promise<Client> {
  const giveUpAt = performance.now() + 20_000;
  for (;;) {
    const client = new Client({ host: "127.0.0.1", port: server.port, user: "postgres", database: "postgres" });
    try {
      await client.connect();
      clients.push(client);
      return client;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
    }
  }
}

/** One caller with a connection of its own, whose transactions are recorded. */
class Caller {
  readonly #client: Client;
  readonly #process: RecordedProcess;
  readonly #level: Level;

  constructor(client: Client, process: RecordedProcess, level: Level) {
    this.#client = client;
    this.#process = process;
    this.#level = level;
  }

  /** Runs a transaction; whether it was committed. `afterReads` waits in its middle. */
  async run(steps: readonly Step[], afterReads?: () => Promise<void>): Promise<boolean> {
    const pending = this.#process.invoke({ f: "txn", value: steps });
    const done: unknown[] = [];
    let waits = afterReads;
    try {
      await this.#client.query(`begin isolation level ${this.#level}`);
      for (const step of steps) {
        if (step[0] === "append") {
          await waits?.();
          waits = undefined;
        }
        done.push(step[0] === "r" ? ["r", step[1], await this.#read(step[1])] : await this.#append(step));
      }
      await this.#client.query("commit");
    } catch (error) {
      const { kind, effect, rule } = classify(error);
      expect([kind, effect], rule).toEqual(["resource", "none"]);
      await this.#client.query("rollback");
      pending.fail(rule);
      return false;
    }
    pending.ok(done);
    return true;
  }

  async #read(key: string): Promise<readonly number[]> {
    const { rows } = await this.#client.query<{ readonly list: readonly number[] }>(
      "select list from lists where key = $1",
      [key],
    );
    return rows[0]?.list ?? [];
  }

  async #append(step: Extract<Step, readonly ["append", ...unknown[]]>): Promise<Step> {
    const append =
      "insert into lists values ($1, array[$2::int]) on conflict (key) do update set list = lists.list || $2::int";
    await this.#client.query(append, [step[1], step[2]]);
    return step;
  }
}

/** Two that read both of two lists, and then append to one each. How many were committed. */
async function crossing(level: Level, recorder: HistoryRecorder): Promise<number> {
  const [one, two] = [`${level} one`, `${level} two`];
  const start = await caller(level, recorder);
  await start.run([
    ["append", one, ++values],
    ["append", two, ++values],
  ]);
  const reads: readonly Step[] = [
    ["r", one, null],
    ["r", two, null],
  ];
  const meet = barrier(2);
  const runs = [one, two].map(async (key) => {
    const each = await caller(level, recorder);
    return each.run([...reads, ["append", key, ++values]], meet);
  });
  return (await Promise.all(runs)).filter(Boolean).length;
}

function barrier(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let here = 0;
  return () => {
    if (++here === count) resolve();
    return promise;
  };
}

async function caller(level: Level, recorder: HistoryRecorder): Promise<Caller> {
  return new Caller(await open(), recorder.process(), level);
}

/** Eight callers, each with transactions of up to four steps on three lists, which are left for others in time. */
async function crowd(level: Level, recorder: HistoryRecorder, transactions: number, seed: number): Promise<number> {
  const random = seededRandom(seed);
  let begun = 0;
  let committed = 0;
  const runs = Array.from({ length: 8 }, async () => {
    const each = await caller(level, recorder);
    while (begun++ < transactions) {
      const steps = Array.from({ length: random.integer(2, 4) }, (): Step => {
        const key = `${level} ${Math.floor(begun / 100)} ${random.integer(0, 2)}`;
        return random.next() < 0.5 ? ["r", key, null] : ["append", key, ++values];
      });
      if (await each.run(steps)) committed++;
    }
  });
  await Promise.all(runs);
  return committed;
}

describe("what PostgreSQL promises, and no more", () => {
  it.each([
    ["read committed", "read-committed", ["G-single", "lost-update", "non-repeatable-read"], 2],
    ["repeatable read", "strong-snapshot-isolation", ["G2-item"], 2],
    ["serializable", "serializable", [], 1],
  ] as const)("%s is %s", async (level, promised, seen, crossed) => {
    const recorder = historyRecorder(nodeRuntime().clock);
    expect(await crossing(level, recorder)).toBe(crossed);
    expect(await crowd(level, recorder, 500, 7)).toBeGreaterThan(100);
    const options = { kind: "list-append", level: promised } as const;
    const { verdict, counts, explanation, dependencies } = checkTransactions(recorder.events, options);
    expect(verdict, explanation).toBe("ok");
    expect(Math.min(dependencies.ww, dependencies.wr, dependencies.rw)).toBeGreaterThan(50);
    expect(Object.keys(counts)).toEqual(expect.arrayContaining([...seen]));
    if (level !== "read committed")
      expect(Object.keys(counts).filter((name) => !seen.includes(name as never))).toEqual([]);
  });
});
