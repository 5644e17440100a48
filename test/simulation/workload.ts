import type { HistoryRecorder, PendingOperation, RecordedProcess } from "holdfast/proof";
import type { Clock, Random } from "holdfast/runtime";
import type { Parameters } from "./parameters.ts";
import { Requester, UnknownOutcome } from "./requester.ts";
import type { SharedKeys } from "./shared-keys.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One client: writes, reads, compares and sets, one after the other, and records what it saw. */
export class Client {
  readonly #requests: Requester;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #parameters: Parameters;
  readonly #record: RecordedProcess;
  readonly #number: number;
  readonly #keys: SharedKeys;
  #created = 0;
  #values = 0;
  /** What this client last saw of each key, to compare with. */
  readonly #lastSeen = new Map<string, string | null>();

  constructor(
    number: number,
    cluster: SimulatedCluster,
    recorder: HistoryRecorder,
    clock: Clock,
    random: Random,
    parameters: Parameters,
    keys: SharedKeys,
  ) {
    this.#keys = keys;
    this.#number = number;
    this.#requests = new Requester(cluster, clock, random);
    this.#clock = clock;
    this.#random = random;
    this.#parameters = parameters;
    this.#record = recorder.process();
  }

  /** Keys that this client alone creates, each once; every one that was acknowledged must be there at the end. */
  get createdKeys(): string[] {
    return Array.from({ length: this.#created }, (_, at) => `once/${this.#number}/${at}`);
  }

  async work(untilMs: number): Promise<void> {
    while (this.#clock.now() < untilMs) {
      await this.#clock.sleep(this.#random.next() * 2 * this.#parameters.thinkMs);
      const key = this.#keys.draw(this.#random);
      const choice = this.#random.next();
      if (choice < 0.35) await this.get(key);
      else if (choice < 0.6) await this.#put(key);
      else if (choice < 0.8) await this.#compareAndSet(key, this.#lastSeen.get(key) ?? null, this.#newValue());
      else if (choice < 0.85) await this.#delete(key);
      else await this.#compareAndSet(`once/${this.#number}/${this.#created++}`, null, this.#newValue());
    }
  }

  #newValue(): string {
    return `${this.#number}.${++this.#values}`;
  }

  async get(key: string): Promise<void> {
    const pending = this.#record.invoke({ f: "get", key });
    await this.#complete(pending, undefined, async () => {
      const { pairs } = await this.#requests.send((member, options) =>
        member.range({ key: encoder.encode(key) }, options),
      );
      const value = pairs[0] === undefined ? null : decoder.decode(pairs[0].value);
      this.#lastSeen.set(key, value);
      return value;
    });
  }

  async #put(key: string): Promise<void> {
    const value = this.#newValue();
    const pending = this.#record.invoke({ f: "put", key, value });
    await this.#complete(pending, key, async () => {
      const request = { key: encoder.encode(key), value: encoder.encode(value) };
      await this.#requests.send((member, options) => member.put(request, options));
      this.#lastSeen.set(key, value);
      return value;
    });
  }

  async #delete(key: string): Promise<void> {
    const pending = this.#record.invoke({ f: "del", key });
    await this.#complete(pending, key, async () => {
      const request = { key: encoder.encode(key) };
      const { deleted } = await this.#requests.send((member, options) => member.deleteRange(request, options));
      this.#lastSeen.set(key, null);
      return deleted > 0;
    });
  }

  async #compareAndSet(key: string, expected: string | null, value: string): Promise<void> {
    const pending = this.#record.invoke({ f: "cas", key, value: [expected, value] });
    await this.#complete(pending, key, async () => {
      const bytes = encoder.encode(key);
      const put = { type: "put", request: { key: bytes, value: encoder.encode(value) } } as const;
      const compare =
        expected === null
          ? ({ key: bytes, result: "equal", target: "version", operand: 0 } as const)
          : ({ key: bytes, result: "equal", target: "value", operand: encoder.encode(expected) } as const);
      const request = { compare: [compare], success: [put], failure: [] };
      const { succeeded } = await this.#requests.send((member, options) => member.txn(request, options));
      if (succeeded) this.#lastSeen.set(key, value);
      return succeeded;
    });
  }

  async #complete(pending: PendingOperation, written: string | undefined, call: () => Promise<unknown>): Promise<void> {
    try {
      pending.ok(await call());
    } catch (error) {
      if (!(error instanceof UnknownOutcome)) throw error;
      // A read that was not answered changed nothing.
      if (written === undefined) return pending.fail(error.message);
      pending.info(error.message);
      this.#keys.onUnknown(written);
    }
  }
}
