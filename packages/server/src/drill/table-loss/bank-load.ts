import type { Client } from "pg";
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "holdfast/runtime";
import type { Transfer } from "./bank-history.ts";
import type { BankSettings } from "./bank-settings.ts";

export interface BankLoadOptions {
  readonly accounts: number;
  readonly ratePerSecond: number;
  readonly connections: number;
  readonly seed: number;
  readonly connect: (address: string) => Promise<Client>;
  /** With the SQLSTATE of a transfer that the database refused. */
  readonly onRefused: (code: string) => void;
}

const retryMs = 20;

/**
 * Transfers at a rate, whoever waits: each moves money between two accounts and writes that down in the ledger, in one
 * transaction. Obeys the settings: when nobody may write it drops what comes, and when the database moves it follows.
 */
export class BankLoad {
  readonly transfers: Transfer[] = [];
  /** When each acknowledged transfer was: monotonic milliseconds. */
  readonly answersAtMs: number[] = [];
  /** What came while nobody was allowed to write, or no connection was free. */
  dropped = 0;
  readonly #options: BankLoadOptions;
  readonly #stopping = new AbortController();
  readonly #waiting: Transfer[] = [];
  readonly #random: ReturnType<typeof seededRandom>;
  #settings: BankSettings;
  #busy = 0;
  #idle: (() => void)[] = [];
  #wake: (() => void)[] = [];
  #tasks: Promise<void>[] = [];

  constructor(options: BankLoadOptions, settings: BankSettings) {
    this.#options = options;
    this.#settings = settings;
    this.#random = seededRandom(options.seed);
  }

  begin(): void {
    const { connections } = this.#options;
    this.#tasks = [this.#offer(), ...Array.from({ length: connections }, () => this.#work())];
  }

  obey(settings: BankSettings): void {
    this.#settings = settings;
    if (settings.mode === "read-only") this.dropped += this.#waiting.splice(0).length;
  }

  /** Resolves when no transfer is under way. */
  async untilIdle(signal: AbortSignal): Promise<void> {
    while (this.#busy > 0) {
      signal.throwIfAborted();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle.push(resolve);
      await promise;
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const wake of this.#wake.splice(0)) wake();
    await Promise.all(this.#tasks);
  }

  /** By the clock, not by the answers. */
  async #offer(): Promise<void> {
    const { ratePerSecond, connections } = this.#options;
    const beganMs = performance.now();
    for (let count = 0; !this.#stopping.signal.aborted;) {
      const due = Math.floor(((performance.now() - beganMs) / 1000) * ratePerSecond);
      for (; count < due; count++) {
        if (this.#settings.mode === "read-only" || this.#waiting.length >= 4 * connections) this.dropped++;
        else {
          this.#waiting.push(this.#draw());
          this.#wake.shift()?.();
        }
      }
      await delay(1000 / ratePerSecond);
    }
  }

  #ids = 0;

  #draw(): Transfer {
    const { accounts } = this.#options;
    const from = 1 + Math.floor(this.#random.next() * accounts);
    const to = 1 + ((from + Math.floor(this.#random.next() * (accounts - 1))) % accounts);
    return { id: ++this.#ids, from, to, cents: 1 + Math.floor(this.#random.next() * 100), outcome: "pending" };
  }

  /** One connection after the other, one transfer at a time. */
  async #work(): Promise<void> {
    let client: Client | undefined;
    let address = "";
    while (!this.#stopping.signal.aborted) {
      const transfer = this.#waiting.shift();
      if (transfer === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake.push(resolve);
        await promise;
        continue;
      }
      this.#busy++;
      try {
        if (client !== undefined && address !== this.#settings.address) {
          await client.end();
          client = undefined;
        }
        ({ address } = this.#settings);
        client ??= await this.#options.connect(address);
        if (!(await this.#transfer(client, transfer))) client = undefined;
      } catch {
        // Not sent: no connection could be had.
        client = undefined;
        this.dropped++;
        await delay(retryMs);
      } finally {
        this.#busy--;
        if (this.#busy === 0) for (const idle of this.#idle.splice(0)) idle();
      }
    }
    await client?.end().catch(() => undefined);
  }

  /** False when the connection cannot be used any more. */
  async #transfer(client: Client, transfer: Transfer): Promise<boolean> {
    const { id, from, to, cents } = transfer;
    this.transfers.push(transfer);
    const [low, high] = from < to ? [from, to] : [to, from];
    const change = (account: number): string =>
      `update accounts set cents = cents ${account === from ? "-" : "+"} ${cents} where id = ${account};`;
    // In one order, so that two transfers never wait for each other.
    const text = `begin; ${change(low)} ${change(high)} insert into ledger (id, source, target, cents) values (${id}, ${from}, ${to}, ${cents}); commit`;
    try {
      await client.query(text);
      transfer.outcome = "acknowledged";
      this.answersAtMs.push(performance.now());
      return true;
    } catch (error) {
      const code = (error as { readonly code?: unknown }).code;
      // Of a server that answers: five characters. All else is a connection that broke.
      const isAnswer = typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith("57P");
      transfer.outcome = isAnswer ? "refused" : "unknown";
      if (!isAnswer) return false;
      this.#options.onRefused(code);
      return await client.query("rollback").then(
        () => true,
        () => false,
      );
    }
  }
}
