import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "pg";
import type { Member } from "holdfast/coordination";
import { InvalidArgumentError } from "holdfast/errors/base";
import { takeBaseBackup } from "holdfast/adapters/postgresql";
import type {
  DrillFaultPlan,
  DrillLoad,
  DrillMeasures,
  DrillSeries,
  DrillStage,
  StageContext,
  StageFault,
  StageLoad,
} from "holdfast/proof";
import type { ExecutionReport, Plan } from "holdfast/recovery";
import { postgresqlName } from "../drill-directory.ts";
import { checkBank, type BankVerdict, type LedgerRow } from "./bank-history.ts";
import { BankLoad } from "./bank-load.ts";
import { freePort, startBankServer, type BankServer } from "./bank-server.ts";
import { followSettings, writeSettings, type BankSettings } from "./bank-settings.ts";
import { bankStore, tableLossPlan, tableLossRecovery, type TableLossRecovery } from "./table-loss-recovery.ts";
import { tableIsGone, TableWatch } from "./table-watch.ts";

export interface TableLossStageOptions {
  readonly directory: string;
  readonly seed: number;
  /** What brings the table back. Default `tableLossPlan`. */
  readonly plan?: Plan;
}

const accounts = 50;
const initialCents = 1_000_000;
const defaultRate = 200;
const bucketMs = 100;
const table = "public.ledger";

/**
 * A bank on a PostgreSQL server of the drill's own, its log archived, its load obeying a shared configuration; whoever
 * drops its ledger is answered by a recovery plan, which nobody starts but the table's watch.
 */
export function tableLossStage(options: TableLossStageOptions): DrillStage {
  return new TableLossStage(options);
}

class TableLossStage implements DrillStage {
  readonly #options: TableLossStageOptions;
  #bank: BankServer | undefined;
  #store: Member | undefined;
  #settings: BankSettings = { mode: "read-write", address: "" };
  #unfollow: (() => Promise<void>) | undefined;
  #recovery: TableLossRecovery | undefined;
  #watch: TableWatch | undefined;
  #load: BankLoad | undefined;
  #recoveredPort = 0;
  #execution: Promise<ExecutionReport> | undefined;
  #report: ExecutionReport | undefined;
  #verdict: BankVerdict | undefined;
  #beganMs = 0;
  #droppedMs: number | undefined;
  readonly #steps = new Map<string, number>();

  constructor(options: TableLossStageOptions) {
    this.#options = options;
  }

  checkFault({ kind, targets }: DrillFaultPlan, path: string): void {
    if (kind !== "dropTable") throw new InvalidArgumentError(`${path}.kind`, "must be dropTable", kind);
    if (targets !== "ledger") throw new InvalidArgumentError(`${path}.target`, "must be ledger", targets);
  }

  async setup({ signal, say }: StageContext): Promise<void> {
    const bank = await startBankServer(join(this.#options.directory, postgresqlName), signal);
    this.#bank = bank;
    await this.#query(
      `create table accounts (id int primary key, cents bigint not null);
       create table ledger (id bigint primary key, source int not null references accounts, target int not null references accounts, cents int not null);
       create view turnover as select sum(cents) from ledger;
       insert into accounts select n, ${initialCents} from generate_series(1, ${accounts}) n`,
      `${bank.server.host}:${bank.server.port}`,
    );
    const { server, connect, programs, as, backups: directory } = bank;
    const access = { server, connect, programs, directory, signal, ...(as === undefined ? {} : { as }) };
    // What the drill writes is of no worth when the machine fails.
    await takeBaseBackup({ ...access, name: "first", sync: false });
    say(`PostgreSQL on port ${server.port}, a base backup is there`);
    this.#settings = { mode: "read-write", address: `${server.host}:${server.port}` };
    this.#store = bankStore();
    await writeSettings(this.#store, this.#settings);
    this.#unfollow = await followSettings(this.#store, this.#settings, (settings) => {
      this.#settings = settings;
      this.#load?.obey(settings);
    });
    this.#recoveredPort = await freePort();
    this.#recovery = tableLossRecovery({
      bank,
      store: this.#store,
      recoveredPort: this.#recoveredPort,
      plan: this.#options.plan ?? tableLossPlan(accounts * initialCents, initialCents),
      writesStopped: async (inner) => await this.#there(this.#load).untilIdle(inner),
      onStep: (step) => {
        this.#steps.set(step, performance.now());
        say(`the plan: ${step}`);
      },
    });
  }

  async probe(): Promise<DrillMeasures> {
    try {
      const rows = await this.#query(
        "select (select count(*)::int from accounts) as accounts, to_regclass('public.ledger') is not null as ledger",
      );
      const [row] = rows as readonly { readonly accounts: number; readonly ledger: boolean }[];
      return {
        serves: this.#settings.mode === "read-write",
        accounts: row?.accounts ?? null,
        ledger: row?.ledger ?? null,
      };
    } catch {
      return { serves: false, accounts: null, ledger: null };
    }
  }

  async startLoad(load: DrillLoad, _: number, { signal }: StageContext): Promise<StageLoad> {
    const bank = this.#there(this.#bank);
    const { connect, server } = bank;
    const recovery = this.#there(this.#recovery);
    const started = (this.#load = new BankLoad(
      {
        accounts,
        ratePerSecond: load.ratePerSecond || defaultRate,
        connections: Math.max(1, load.clients),
        seed: this.#options.seed,
        connect: (address) => connect({ ...server, port: portOf(address), database: "postgres" }),
        onRefused: (code) => {
          // Somebody may be told so before the one who dropped it is told that it is done.
          if (code === tableIsGone) this.#droppedMs ??= performance.now();
          this.#watch?.hear(code);
        },
      },
      this.#settings,
    ));
    this.#watch = new TableWatch(
      () => connect({ ...server, database: "postgres" }),
      table,
      (relation) => {
        this.#steps.set("detected", performance.now());
        this.#execution = recovery.recover(relation);
        this.#execution.then(
          (report) => (this.#report = report),
          () => undefined,
        );
      },
    );
    await this.#watch.begin();
    this.#beganMs = performance.now();
    started.begin();
    await this.#untilAnswered(this.#beganMs, signal);
    return { stop: () => started.stop() };
  }

  async inject(_: DrillFaultPlan, { signal: injecting }: StageContext): Promise<StageFault> {
    const before = this.#settings.address;
    const [{ rows } = { rows: Number.NaN }] = (await this.#query("select count(*)::int as rows from ledger")) as {
      readonly rows: number;
    }[];
    await this.#drop(injecting);
    const [seen] = (await this.#query("select to_regclass('public.ledger') is null as gone", before)) as {
      readonly gone: boolean;
    }[];
    return {
      what: `somebody drops the ledger, with ${rows} rows`,
      untilServing: async ({ signal, say }) => {
        while (this.#execution === undefined) await delay(5, undefined, { signal });
        const { status, cause } = await this.#execution;
        if (status !== "completed") throw new Error(`the plan ${status}: ${JSON.stringify(cause)}`);
        const afterMs = await this.#untilAnswered(this.#steps.get("resume") ?? Infinity, signal);
        if (this.#steps.has("answered")) return;
        this.#steps.set("answered", afterMs);
        say(`transfers are written again ${Math.round(afterMs - (this.#droppedMs ?? 0))} ms after the drop`);
      },
      // It stays dropped where it was: what the bank uses from now on is what was recovered.
      heal: () => Promise.resolve(),
      records: () => [{ target: "ledger", happened: seen?.gone === true && rows > 0, rows }],
    };
  }

  async settle({ signal }: StageContext): Promise<void> {
    await this.#there(this.#load).untilIdle(signal);
  }

  async check(): Promise<void> {
    const ledger = await this.#query('select id::int, source as "from", target as "to", cents from ledger');
    const balances = (await this.#query("select id, cents::int from accounts")) as { id: number; cents: number }[];
    this.#verdict = checkBank(
      this.#there(this.#load).transfers,
      ledger as readonly LedgerRow[],
      new Map(balances.map(({ id, cents }) => [id, cents])),
      initialCents,
    );
  }

  async teardown(): Promise<void> {
    await this.#load?.stop();
    await this.#watch?.stop();
    await this.#recovery?.close();
    await this.#unfollow?.();
    await this.#store?.close();
    const bank = this.#bank;
    if (bank === undefined) return;
    await this.#stopRecovered(bank);
    await bank.stop();
  }

  measures(): DrillMeasures {
    const since = (step: string): number | null => {
      const atMs = this.#steps.get(step);
      return atMs === undefined || this.#droppedMs === undefined ? null : Math.round(atMs - this.#droppedMs);
    };
    const transfers = this.#load?.transfers ?? [];
    const { lostRows = null, ghostRows = null, unknownRows = null, balanced = null } = this.#verdict ?? {};
    return {
      detectMs: since("detected"),
      writesStoppedMs: since("writes-stopped"),
      restoredMs: since("restore"),
      validatedMs: since("validate"),
      resumedMs: since("answered"),
      planCompleted: this.#report?.status === "completed",
      transfers: transfers.length,
      acknowledged: transfers.filter(({ outcome }) => outcome === "acknowledged").length,
      refused: transfers.filter(({ outcome }) => outcome === "refused").length,
      dropped: this.#load?.dropped ?? 0,
      lostRows,
      ghostRows,
      unknownRows,
      balanced,
    };
  }

  series(): readonly DrillSeries[] {
    const counts = new Map<number, number>();
    for (const atMs of this.#load?.answersAtMs ?? []) {
      const at = Math.floor((atMs - this.#beganMs) / bucketMs);
      counts.set(at, (counts.get(at) ?? 0) + 1);
    }
    const last = Math.max(0, ...counts.keys());
    const points = Array.from({ length: last + 1 }, (_, at) => {
      return [at * bucketMs, (counts.get(at) ?? 0) * (1000 / bucketMs)] as const;
    });
    return [{ name: "acknowledged transfers", unit: "a second", points }];
  }

  surprise(): undefined {
    return undefined;
  }

  /** It locks both tables, as transfers do in another order: whoever notices the deadlock first gives way. */
  async #drop(signal: AbortSignal): Promise<void> {
    const { connect, server } = this.#there(this.#bank);
    const client = await connect({ ...server, database: "postgres" });
    try {
      await client.query("set deadlock_timeout = '20ms'");
      for (;;) {
        signal.throwIfAborted();
        try {
          await client.query("drop table ledger cascade");
          this.#droppedMs ??= performance.now();
          return;
        } catch (error) {
          // deadlock_detected
          if ((error as { readonly code?: unknown }).code !== "40P01") throw error;
        }
      }
    } finally {
      await client.end();
    }
  }

  /** The recovered server is a process of its own, and outlives everybody. */
  async #stopRecovered({ programs, as }: BankServer): Promise<void> {
    const output = this.#report?.outputs["restore"] as { readonly directory?: string } | undefined;
    if (output?.directory === undefined) return;
    const { stopRecoveredServer } = await import("holdfast/adapters/postgresql");
    await stopRecoveredServer({ programs, data: output.directory, ...(as === undefined ? {} : { as }) });
  }

  async #untilAnswered(sinceMs: number, signal: AbortSignal): Promise<number> {
    const load = this.#there(this.#load);
    for (;;) {
      const atMs = load.answersAtMs.find((each) => each >= sinceMs);
      if (atMs !== undefined) return atMs;
      await delay(5, undefined, { signal });
    }
  }

  /** On a connection of its own, at the address that is in force. */
  async #query(text: string, address: string = this.#settings.address): Promise<readonly object[]> {
    const { connect, server } = this.#there(this.#bank);
    const client: Client = await connect({ ...server, port: portOf(address), database: "postgres" });
    try {
      return (await client.query(text)).rows as readonly object[];
    } finally {
      await client.end();
    }
  }

  #there<T>(part: T | undefined): T {
    if (part === undefined) throw new Error("the bank was not set up");
    return part;
  }
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}
