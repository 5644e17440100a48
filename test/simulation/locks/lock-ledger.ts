import { createGuard, RecipeError, type Guard, type HeldLock } from "holdfast/coordination";
import type { World } from "holdfast/runtime";
import type { LockTally } from "./lock-tally.ts";

/** Somebody who believes to hold a lock, until it releases it or its process dies. */
export interface Hold {
  readonly host: string;
  readonly held: HeldLock;
}

interface Waiter {
  readonly host: string;
  readonly name: string;
  readonly sinceMs: number;
}

/** Sees what all processes do at once, and says when it is against the rules. */
export class LockLedger {
  readonly #world: World;
  readonly #tally: LockTally;
  readonly #holds = new Set<Hold>();
  readonly #waiters = new Set<Waiter>();
  readonly #tokens = new Map<string, number>();
  readonly #grantedAt = new Map<string, number>();
  readonly #guards = new Map<string, Guard<{ last: number }>>();

  constructor(world: World, tally: LockTally) {
    this.#world = world;
    this.#tally = tally;
  }

  /** Who waits without a time limit. */
  get waiting(): number {
    return this.#waiters.size;
  }

  wait(host: string, name: string): () => void {
    const waiter = { host, name, sinceMs: this.#world.clock.now() };
    this.#waiters.add(waiter);
    return () => this.#waiters.delete(waiter);
  }

  /** How long somebody has waited for a lock, since `since`, without anybody getting it. */
  stuckMs(name: string, since: number): number {
    const now = this.#world.clock.now();
    const grantedAt = Math.max(since, this.#grantedAt.get(name) ?? 0);
    const waits = [...this.#waiters].filter((waiter) => waiter.name === name).map(({ sinceMs }) => sinceMs);
    return waits.length === 0 ? 0 : now - Math.max(grantedAt, Math.min(...waits));
  }

  /** @throws Error when somebody else still believes to hold it, or the token is not greater than all before */
  granted(host: string, held: HeldLock): Hold {
    const { name, token } = held;
    for (const other of this.#holds) {
      if (other.held.name !== name || !other.held.held || !held.held) continue;
      throw new Error(
        `two holders of ${name}: ${other.host} with ${other.held.token} when ${host} gets it with ${token}`,
      );
    }
    const before = this.#tokens.get(name) ?? 0;
    if (token <= before) throw new Error(`${name} is granted with ${token} after ${before}`);
    this.#tokens.set(name, token);
    this.#grantedAt.set(name, this.#world.clock.now());
    this.#tally.grants++;
    this.#world.note(`${host} holds ${name} with ${token}`);
    const hold = { host, held };
    this.#holds.add(hold);
    return hold;
  }

  over(hold: Hold): void {
    this.#holds.delete(hold);
  }

  /** The process has died with all it believed. */
  forget(host: string): void {
    for (const hold of this.#holds) if (hold.host === host) this.#holds.delete(hold);
    for (const waiter of this.#waiters) if (waiter.host === host) this.#waiters.delete(waiter);
  }

  /** A write at the resource that a lock guards. @throws Error when the guard lets one in after a later one */
  write(name: string, token: number): void {
    const guard = this.#guards.get(name) ?? createGuard({ last: 0 });
    this.#guards.set(name, guard);
    try {
      guard.use(token, (resource) => {
        if (token < resource.last) throw new Error(`the guard of ${name} let ${token} in after ${resource.last}`);
        resource.last = token;
        this.#tally.admitted++;
      });
    } catch (error) {
      if (!RecipeError.is(error) || error.code !== "STALE_TOKEN") throw error;
      this.#tally.stale++;
    }
  }

  describe(): string {
    const now = this.#world.clock.now();
    const waiters = [...this.#waiters].map(
      ({ host, name, sinceMs }) => `${host} for ${name} ${Math.round(now - sinceMs)} ms`,
    );
    const holds = [...this.#holds].map(
      ({ host, held }) => `${host} ${held.held ? "holds" : "held"} ${held.name} ${held.token}`,
    );
    return [...waiters, ...holds].join("; ");
  }
}
