import { HoldfastError, InvalidArgumentError } from "../errors/base.ts";
import { discardResult } from "../resilience/index.ts";
import type { Clock } from "../runtime/system.ts";
import type { NoAgreementError } from "./redundancy-error.ts";
import type { RedundancyEvent } from "./redundancy-event.ts";
import {
  checkRedundancyOptions,
  type RedundancyOptions,
  type RedundancySettings,
  type RedundantNode,
} from "./redundancy-options.ts";
import { RedundantCall, type CallRules, type Decision, type NodeAttempt } from "./redundant-call.ts";
import { Roster, type RosterChange } from "./roster.ts";

export interface RedundantContext<Node> {
  /** Whom to ask. */
  readonly node: Node;
  /** Aborted when this node's answer is no longer wanted, and with the caller's. */
  readonly signal: AbortSignal;
}

export interface RedundancyMetrics {
  readonly calls: number;
  /** Calls under way. */
  readonly running: number;
  readonly agreed: number;
  /** Calls that ended with `NoAgreementError`. */
  readonly notAgreed: number;
  readonly promotions: number;
  /** Answers that were outvoted. */
  readonly suspected: number;
}

export interface Redundancy<Node = string, Answer = unknown> {
  readonly primaries: readonly Node[];
  /** Those that can be promoted, the next one first. */
  readonly backups: readonly Node[];
  /** Those held for failed; a primary is among them when no backup could take its place. */
  readonly failed: readonly Node[];
  readonly metrics: RedundancyMetrics;
  /**
   * Asks all primaries at once and resolves with the answer that `level` of them give, as soon as they do.
   *
   * @throws NoAgreementError as soon as no answer can reach the level; the signal's reason
   */
  execute<T extends Answer>(
    operation: (context: RedundantContext<Node>) => PromiseLike<T> | T,
    options?: { readonly signal?: AbortSignal },
  ): Promise<T>;
  /** The same, and tells who agreed, who gave another answer, and who failed. */
  decide<T extends Answer>(
    operation: (context: RedundantContext<Node>) => PromiseLike<T> | T,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Decision<T>>;
  /** Holds a node for failed until it is restored; calls that wait for it go on without. False for no node of the group. */
  fail(name: string): boolean;
  /** A node that has failed is a backup again. False for one that had not. */
  restore(name: string): boolean;
}

/**
 * Runs each operation on several nodes at once and gives the answer that enough of them agree on. A primary that fails is
 * replaced by a backup, for this call and the next ones; nobody is asked twice by one call.
 *
 * `level = f + 1` withstands `f` nodes that lie (Byzantine nodes), given that `f + 1` honest ones answer; L. Lamport,
 * R. Shostak, M. Pease, "The Byzantine generals problem", ACM TOPLAS 4(3), 1982, is about nodes that must agree among
 * each other, which these need not.
 *
 * @throws InvalidArgumentError for options out of range
 * @example
 * const balances = redundancy({ primaries: ["a", "b", "c"], backups: ["d"], level: 2 });
 * const cents = await balances.execute(({ node, signal }) => askBalance(node, "account 7", { signal }));
 */
export function redundancy<const Node extends RedundantNode, Answer = unknown>(
  options: RedundancyOptions<Node, Answer>,
): Redundancy<Node, Answer> {
  return new Group(checkRedundancyOptions(options));
}

class Group<Node extends RedundantNode, Answer> implements Redundancy<Node, Answer>, CallRules {
  readonly name: string;
  readonly level: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly #settings: RedundancySettings<Node, Answer>;
  readonly #roster: Roster;
  readonly #running = new Set<RedundantCall>();
  readonly #counts = { calls: 0, agreed: 0, notAgreed: 0, promotions: 0, suspected: 0 };

  constructor(settings: RedundancySettings<Node, Answer>) {
    this.#settings = settings;
    this.#roster = new Roster(settings.primaries, settings.backups);
    this.name = settings.name;
    this.level = settings.level;
    this.timeoutMs = settings.timeoutMs;
    this.clock = settings.clock;
  }

  get primaries(): readonly Node[] {
    this.#expire();
    return this.#roster.primaries.map((name) => this.#node(name));
  }

  get backups(): readonly Node[] {
    this.#expire();
    return this.#roster.backups.map((name) => this.#node(name));
  }

  get failed(): readonly Node[] {
    this.#expire();
    return this.#roster.failed.map((name) => this.#node(name));
  }

  get metrics(): RedundancyMetrics {
    return { ...this.#counts, running: this.#running.size };
  }

  async execute<T extends Answer>(
    operation: (context: RedundantContext<Node>) => PromiseLike<T> | T,
    options?: { readonly signal?: AbortSignal },
  ): Promise<T> {
    return (await this.decide(operation, options)).value;
  }

  decide<T extends Answer>(
    operation: (context: RedundantContext<Node>) => PromiseLike<T> | T,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Decision<T>> {
    return new Promise((resolve, reject) => {
      if (typeof operation !== "function") {
        throw new InvalidArgumentError("redundancy.execute operation", "must be a function", operation);
      }
      const signal = options?.signal;
      signal?.throwIfAborted();
      this.#expire();
      const ask = (name: string, attempt: NodeAttempt): unknown => operation(new Context(this.#node(name), attempt));
      // The answer is one of the operation's.
      const call = new RedundantCall(this, ask, signal, resolve as (decision: Decision<unknown>) => void, reject);
      this.#counts.calls++;
      this.#running.add(call);
      call.start();
    });
  }

  fail(name: string): boolean {
    if (!this.#roster.has(name)) return false;
    this.#tell(this.#roster.fail(name, Infinity));
    // Calls that listeners begin meanwhile know already.
    const running = Array.from(this.#running);
    for (const call of running) call.onReport(name);
    return true;
  }

  restore(name: string): boolean {
    const changes = this.#roster.restore(name);
    this.#tell(changes);
    return changes.length > 0;
  }

  /** For calls, as all that follows. */
  get primaryNames(): readonly string[] {
    return this.#roster.primaries;
  }

  get backupNames(): readonly string[] {
    return this.#roster.backups;
  }

  agree(a: unknown, b: unknown): boolean {
    return this.#settings.agree(a as Answer, b as Answer);
  }

  onAnswer(node: string): void {
    this.#tell(this.#roster.answered(node));
  }

  onFailure(node: string, error: unknown): boolean {
    if (!this.#failsOver(error, node)) return false;
    this.#tell(this.#roster.fail(node, this.clock.now() + this.#settings.returnAfterMs), error);
    return true;
  }

  onDecision({ agreed, suspects }: Decision<unknown>): void {
    this.#counts.agreed++;
    this.#counts.suspected += suspects.length;
    for (const node of suspects) this.#publish({ type: "suspected", node, agreed });
  }

  onNoAgreement(error: NoAgreementError): void {
    this.#counts.notAgreed++;
    this.#publish({ type: "noAgreement", error });
  }

  onEnd(call: RedundantCall): void {
    this.#running.delete(call);
  }

  discard(value: unknown, name: string): void {
    const { onDiscard } = this.#settings;
    if (onDiscard === undefined) {
      discardResult(value);
      return;
    }
    try {
      onDiscard(value, this.#node(name));
    } catch {
      // Nobody waits for this answer, so nobody can be told.
    }
  }

  #failsOver(error: unknown, name: string): boolean {
    const { failsOver } = this.#settings;
    try {
      if (failsOver !== undefined) return failsOver(error, this.#node(name));
      return !HoldfastError.is(error) || error.kind !== "business";
    } catch {
      return false;
    }
  }

  #expire(): void {
    if (this.#roster.failed.length > 0) this.#tell(this.#roster.expire(this.clock.now()));
  }

  #tell(changes: readonly RosterChange[], error?: unknown): void {
    for (const change of changes) {
      if (change.type === "promoted") {
        this.#counts.promotions++;
        this.#publish(change);
      } else if (change.type === "returned") this.#publish({ type: "nodeReturned", node: change.node });
      else this.#publish({ type: "nodeFailed", node: change.node, ...(error === undefined ? {} : { error }) });
    }
  }

  #publish(event: DistributiveOmit<RedundancyEvent, "at" | "policy">): void {
    const { onEvent } = this.#settings;
    if (onEvent === undefined) return;
    try {
      onEvent({ ...event, at: this.clock.wallTime(), policy: this.name });
    } catch {
      // The call it watches must not pay for a broken listener.
    }
  }

  #node(name: string): Node {
    return this.#settings.nodes.get(name) as Node;
  }
}

type DistributiveOmit<Event, Key extends PropertyKey> = Event extends unknown ? Omit<Event, Key> : never;

/** What one node's call is told; its signal is made when it is first read. */
class Context<Node> implements RedundantContext<Node> {
  readonly node: Node;
  readonly #attempt: NodeAttempt;

  constructor(node: Node, attempt: NodeAttempt) {
    this.node = node;
    this.#attempt = attempt;
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }
}
