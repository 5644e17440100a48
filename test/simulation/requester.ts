import { CoordinationError, type ReplicatedMember, type RequestIdentity } from "holdfast/coordination";
import type { Clock, Random } from "holdfast/runtime";
import { drawOne, type SimulatedCluster } from "./simulated-cluster.ts";
import { withinTime } from "./within-time.ts";

const attempts = 10;

/** A client gave up on a request, or was told that nobody knows what became of it. */
export class UnknownOutcome extends Error {}

export interface NamedRequest {
  readonly identity: RequestIdentity;
  readonly timeoutMs: number;
}

/** Sends a client's requests, one after the other, to whichever member answers. */
export class Requester {
  readonly #cluster: SimulatedCluster;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #identity: number;
  #sequence = 0;

  constructor(cluster: SimulatedCluster, clock: Clock, random: Random) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#random = random;
    this.#identity = random.integer(1, Number.MAX_SAFE_INTEGER);
  }

  /**
   * Sends a request to one member after the other, under one identity, until one answers.
   *
   * @throws UnknownOutcome; CoordinationError when the history that it is about is gone
   */
  async send<T>(call: (member: ReplicatedMember, options: NamedRequest) => Promise<T>): Promise<T> {
    const sequence = ++this.#sequence;
    const identity = { client: this.#identity, sequence, acknowledged: sequence - 1 };
    const { electionTimeoutMs, lostAnswers } = this.#cluster.parameters;
    const timeoutMs = 2 * electionTimeoutMs;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const member = drawOne(this.#random, this.#cluster.running)?.member;
      if (member === undefined) {
        await this.#clock.sleep(timeoutMs / 4);
        continue;
      }
      const answer = await this.#answer(call(member, { identity, timeoutMs }), timeoutMs);
      if (answer === undefined) continue;
      if (this.#cluster.faulty && this.#random.next() < lostAnswers) {
        this.#cluster.count("answer-lost");
        continue;
      }
      return answer;
    }
    throw new UnknownOutcome("no answer");
  }

  /** The answer, or undefined when none comes: the member may be gone, and then says nothing ever. */
  async #answer<T>(answer: Promise<T>, timeoutMs: number): Promise<T | undefined> {
    try {
      return await withinTime(this.#clock, timeoutMs + 10, answer);
    } catch (error) {
      if (!(error instanceof CoordinationError)) throw error;
      if (error.code === "COMPACTED") throw error;
      if (error.code === "SESSION_EXPIRED") throw new UnknownOutcome(error.message);
      return undefined;
    }
  }
}
