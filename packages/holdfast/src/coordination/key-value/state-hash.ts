import type { Outcome } from "./command.ts";
import type { KeyValue, ResponseOp } from "./key-value.ts";
import type { LeaseGrantResponse } from "../leases/lease.ts";

/**
 * A running hash over what applying each entry gave. Members that applied the same entries have the same hash; one that
 * differs has diverged, now or before. Two lanes of 32 bits, multiply and rotate; not for adversaries.
 */
export class StateHash {
  #left = 0x243f6a88;
  #right = 0x85a308d3;

  /** As 16 hexadecimal digits. */
  get value(): string {
    return hex(this.#left) + hex(this.#right);
  }

  /** The two lanes, for a snapshot. */
  get lanes(): readonly [left: number, right: number] {
    return [this.#left >>> 0, this.#right >>> 0];
  }

  restore([left, right]: readonly [left: number, right: number]): void {
    this.#left = left | 0;
    this.#right = right | 0;
  }

  /** Takes in the outcome of the entry at `index`. */
  add(index: number, outcome: Outcome): void {
    this.#mix(index);
    if (outcome.type === "refused") {
      for (let at = 0; at < outcome.error.code.length; at++) this.#mix(outcome.error.code.charCodeAt(at));
      return;
    }
    this.#mix(outcome.revision);
    if (outcome.type === "put" || outcome.type === "deleteRange" || outcome.type === "txn") this.#addAnswer(outcome);
    else if (outcome.type === "leaseGrant") this.#addLease(outcome.response);
    else if (outcome.type === "leaseKeepAlive") for (const seconds of outcome.response.ttlSeconds) this.#mix(seconds);
    else if (outcome.type === "clockTick") this.#mix(outcome.response.expired);
    else if (outcome.type === "auth") this.#mix(outcome.response.authRevision);
  }

  #addLease({ id, ttlSeconds }: LeaseGrantResponse): void {
    this.#mix(Number(BigInt.asUintN(32, id)));
    this.#mix(Number(BigInt.asIntN(32, id >> 32n)));
    this.#mix(ttlSeconds);
  }

  #addAnswer(answer: ResponseOp): void {
    if (answer.type === "put") {
      this.#addPairs(answer.response.previousPair === undefined ? [] : [answer.response.previousPair]);
    } else if (answer.type === "deleteRange") {
      this.#mix(answer.response.deleted);
      this.#addPairs(answer.response.previousPairs);
    } else if (answer.type === "range") {
      this.#mix(answer.response.count);
      this.#addPairs(answer.response.pairs);
    } else {
      this.#mix(answer.response.succeeded ? 1 : 0);
      for (const nested of answer.response.responses) this.#addAnswer(nested);
    }
  }

  /** A key's revision and version stand for its value: the same writes led to it. */
  #addPairs(pairs: readonly KeyValue[]): void {
    this.#mix(pairs.length);
    for (const { modRevision, version } of pairs) {
      this.#mix(modRevision);
      this.#mix(version);
    }
  }

  #mix(number: number): void {
    const low = number | 0;
    const high = Math.floor(number / 0x1_0000_0000) | 0;
    this.#left = Math.imul(rotate(this.#left ^ low, 13), 0x9e3779b1) + high;
    this.#right = Math.imul(rotate(this.#right ^ high ^ this.#left, 17), 0x85ebca77) + low;
    this.#left |= 0;
    this.#right |= 0;
  }
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function hex(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, "0");
}
