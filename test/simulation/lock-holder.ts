import type { Clock, Random } from "holdfast/runtime";
import { InvariantViolation } from "./invariant-violation.ts";
import { Requester, UnknownOutcome } from "./requester.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

const encoder = new TextEncoder();
const lockKey: Uint8Array = encoder.encode("lock");
const ttlSeconds = 1;
/** Clocks run up to 30 % too fast, so that a holder must not believe in the whole time. */
const believedMs = 700 * ttlSeconds;

/** Sees what all who want the lock believe. */
export class LockBook {
  #holder: LockHolder | undefined;
  #untilMs = 0;
  #token = 0;
  /** How often somebody got it. */
  grants = 0;

  /** @throws InvariantViolation when another one still believes to hold it, or the token is not above all before */
  granted(holder: LockHolder, token: number, untilMs: number, now: number): void {
    if (this.#holder !== undefined && this.#holder !== holder && now < this.#untilMs) {
      throw new InvariantViolation("one holds the lock", `a second one gets it, ${this.#untilMs - now} ms too early`);
    }
    if (token <= this.#token) {
      throw new InvariantViolation("tokens rise", `the lock is granted with ${token} after ${this.#token}`);
    }
    this.grants++;
    this.#token = token;
    this.#holder = holder;
    this.#untilMs = untilMs;
  }

  believed(holder: LockHolder, untilMs: number): void {
    if (this.#holder === holder) this.#untilMs = untilMs;
  }

  released(holder: LockHolder): void {
    if (this.#holder === holder) this.#holder = undefined;
  }
}

/** A client that holds a lock in turn with others: a key that is there while its lease is. */
export class LockHolder {
  readonly #requests: Requester;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #book: LockBook;

  constructor(cluster: SimulatedCluster, clock: Clock, random: Random, book: LockBook) {
    this.#requests = new Requester(cluster, clock, random);
    this.#clock = clock;
    this.#random = random;
    this.#book = book;
  }

  async work(untilMs: number): Promise<void> {
    while (this.#clock.now() < untilMs) {
      await this.#clock.sleep(this.#random.next() * 200);
      try {
        await this.#turn(untilMs);
      } catch (error) {
        // What is left of it runs out.
        if (!(error instanceof UnknownOutcome)) throw error;
      }
    }
  }

  async #turn(untilMs: number): Promise<void> {
    const id = BigInt(this.#random.integer(1, Number.MAX_SAFE_INTEGER));
    let believedUntil = this.#clock.now() + believedMs;
    await this.#requests.send((member, options) => member.leaseGrant({ id, ttlSeconds }, options));
    while (!(await this.#acquire(id, believedUntil))) {
      if (this.#clock.now() >= Math.min(untilMs, believedUntil)) return;
      await this.#clock.sleep(50 + this.#random.next() * 100);
      believedUntil = await this.#keepAlive(id, believedUntil);
    }
    const rounds = this.#random.integer(0, 6);
    for (let round = 0; round < rounds && this.#clock.now() < believedUntil; round++) {
      await this.#clock.sleep(believedMs / 3);
      believedUntil = await this.#keepAlive(id, believedUntil);
      this.#book.believed(this, believedUntil);
    }
    if (this.#random.next() < 0.4) return;
    this.#book.released(this);
    await this.#requests.send((member, options) => member.leaseRevoke({ id }, options));
  }

  async #acquire(lease: bigint, believedUntil: number): Promise<boolean> {
    const compare = { key: lockKey, result: "equal", target: "version", operand: 0 } as const;
    const put = { type: "put", request: { key: lockKey, value: encoder.encode(String(lease)), lease } } as const;
    const request = { compare: [compare], success: [put], failure: [] };
    const { succeeded, header } = await this.#requests.send((member, options) => member.txn(request, options));
    // An answer that comes too late is of no use: the lock may be another's again.
    if (!succeeded || this.#clock.now() >= believedUntil) return false;
    this.#book.granted(this, header.revision, believedUntil, this.#clock.now());
    return true;
  }

  /** Until when it may believe in the lease now. */
  async #keepAlive(id: bigint, believedUntil: number): Promise<number> {
    const askedAt = this.#clock.now();
    const isNamed = this.#random.next() < 0.5;
    const answer = await this.#requests.send((member, { timeoutMs, identity }) =>
      member.leaseKeepAlive({ id }, isNamed ? { timeoutMs, identity } : { timeoutMs }),
    );
    if (answer.ttlSeconds > 0) return Math.max(believedUntil, askedAt + believedMs);
    if (this.#clock.now() < believedUntil) {
      throw new InvariantViolation(
        "leases do not run out early",
        `one is gone ${believedUntil - this.#clock.now()} ms before it may`,
      );
    }
    return 0;
  }
}
