import { CoordinationError, type KeyValue } from "holdfast/coordination";
import type { Clock, Random } from "holdfast/runtime";
import { InvariantViolation } from "./invariant-violation.ts";
import { Requester, UnknownOutcome } from "./requester.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

const allKeys = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) } as const;
const decoder = new TextDecoder();
/** How far behind the latest revision the history may begin. */
const mostKept = 30;

/** Who drops the history behind a revision, again and again, and looks whether all the rest is still told. */
export class Compacting {
  /** No history is gone from here on: nobody has asked for it. */
  asked = 0;
  /** Everything below is gone, at whomever one asks. */
  #done = 0;
  readonly #cluster: SimulatedCluster;
  readonly #requests: Requester;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(cluster: SimulatedCluster, clock: Clock, random: Random) {
    this.#cluster = cluster;
    this.#requests = new Requester(cluster, clock, random);
    this.#clock = clock;
    this.#random = random;
  }

  async work(untilMs: number): Promise<void> {
    const { compactEveryMs } = this.#cluster.parameters;
    if (compactEveryMs === 0) return;
    while (this.#clock.now() < untilMs) {
      await this.#clock.sleep(this.#random.next() * 2 * compactEveryMs);
      try {
        await this.#compact();
      } catch (error) {
        if (!(error instanceof UnknownOutcome)) throw error;
      }
    }
  }

  async #compact(): Promise<void> {
    await this.#checkGone();
    const { header } = await this.#requests.send((member, options) => member.range(allKeys, options));
    const revision = header.revision - this.#random.integer(0, mostKept);
    if (revision <= this.asked) return;
    const before = await this.#stateAt(revision);
    this.asked = revision;
    await this.#requests.send((member, options) => member.compact({ revision }, options));
    this.#cluster.count("compaction");
    this.#done = revision;
    const after = await this.#stateAt(revision);
    if (after !== before) {
      throw new InvariantViolation(
        "compaction keeps the state as of its revision",
        `at ${revision} it is ${after}, and was ${before}`,
      );
    }
    await this.#checkGone();
  }

  async #stateAt(revision: number): Promise<string> {
    try {
      const { pairs } = await this.#requests.send((member, options) => member.range({ ...allKeys, revision }, options));
      return pairs.map(describe).join(", ");
    } catch (error) {
      if (!(error instanceof CoordinationError)) throw error;
      throw new InvariantViolation(
        "compaction keeps the state as of its revision",
        `of ${revision} nothing is told: ${error.code}; only what is below ${this.asked} was to go`,
      );
    }
  }

  /** Of a drawn member, which may have started since, or have been sent a snapshot. */
  async #checkGone(): Promise<void> {
    const revision = this.#done - 1;
    if (revision < 1) return;
    try {
      await this.#requests.send((member, options) => member.range({ ...allKeys, revision }, options));
    } catch (error) {
      if (error instanceof CoordinationError && error.code === "COMPACTED") return;
      throw error;
    }
    throw new InvariantViolation("compaction is for good", `revision ${revision} is told after that of ${this.#done}`);
  }
}

function describe({ key, value, createRevision, modRevision, version }: KeyValue): string {
  return `${decoder.decode(key)} = ${decoder.decode(value)} (${createRevision} ${modRevision} ${version})`;
}
