import type { Clock, Timer } from "../runtime/system.ts";
import { TimeoutError } from "../resilience/index.ts";
import { Ballot, type VoteGroup } from "./ballot.ts";
import { AnswerNotNeededError, NoAgreementError, NodeFailedError, type NodeFailure } from "./redundancy-error.ts";

/** What one vote was like. */
export interface Decision<T> {
  /** The answer that enough nodes gave, as the first of them gave it. */
  readonly value: T;
  /** The nodes that gave it, the first one first. */
  readonly agreed: readonly string[];
  /** Those that had given another answer by then: broken, lying, or behind the others. */
  readonly suspects: readonly string[];
  readonly failures: readonly NodeFailure[];
}

/** What a call asks of its group. */
export interface CallRules {
  readonly name: string;
  readonly level: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly primaryNames: readonly string[];
  readonly backupNames: readonly string[];
  agree(a: unknown, b: unknown): boolean;
  onAnswer(node: string): void;
  /** Whether the failure is the node's own, so that another may be asked in its place. */
  onFailure(node: string, error: unknown): boolean;
  onDecision(decision: Decision<unknown>): void;
  onNoAgreement(error: NoAgreementError): void;
  onEnd(call: RedundantCall): void;
  discard(value: unknown, node: string): void;
}

/** Asks one node. */
export type Ask = (node: string, attempt: NodeAttempt) => unknown;

/**
 * One vote. All primaries are asked at once, each node at most once; the first answer that `level` nodes gave wins, and
 * the vote is lost as soon as those who may still answer are too few for any.
 */
export class RedundantCall {
  readonly #rules: CallRules;
  readonly #ask: Ask;
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (decision: Decision<unknown>) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #ballot: Ballot;
  readonly #asked = new Set<string>();
  readonly #pending = new Map<string, NodeAttempt>();
  readonly #failures: NodeFailure[] = [];
  readonly #onAbort = (): void => this.#lose(this.#signal?.reason);
  #settled = false;
  /** The answer that the caller got, and who gave it. */
  #given: VoteGroup | undefined;

  constructor(
    rules: CallRules,
    ask: Ask,
    signal: AbortSignal | undefined,
    resolve: (decision: Decision<unknown>) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#rules = rules;
    this.#ask = ask;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#ballot = new Ballot((a, b) => rules.agree(a, b));
  }

  start(): void {
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#askAll([...this.#rules.primaryNames]);
  }

  /** Somebody knows that this node has failed: nobody waits for its answer any more. */
  onReport(node: string): void {
    const attempt = this.#pending.get(node);
    if (attempt === undefined) return;
    const error = new NodeFailedError(node);
    this.#giveUp(attempt, error);
  }

  /** All are under way before the first is called: what a call says of the others must not end the vote early. */
  #askAll(nodes: readonly string[]): void {
    const attempts = nodes.map((node) => {
      const attempt = new NodeAttempt(node);
      this.#asked.add(node);
      this.#pending.set(node, attempt);
      return attempt;
    });
    for (const attempt of attempts) if (this.#isPending(attempt)) this.#run(attempt);
  }

  #run(attempt: NodeAttempt): void {
    const { clock, timeoutMs, name } = this.#rules;
    if (timeoutMs < Infinity) {
      attempt.timer = clock.setTimer(timeoutMs, () => {
        const who = `node ${attempt.node}`;
        this.#giveUp(attempt, new TimeoutError(name === "" ? who : `${name}: ${who}`, timeoutMs));
      });
    }
    new Promise((resolve) => resolve(this.#ask(attempt.node, attempt))).then(
      (value) => this.#onValue(attempt, value),
      (error: unknown) => {
        if (this.#isPending(attempt)) this.#onError(attempt, error);
      },
    );
  }

  #onValue(attempt: NodeAttempt, value: unknown): void {
    const { node } = attempt;
    if (!this.#isPending(attempt)) {
      this.#discard(value, node);
      return;
    }
    let votes: number;
    try {
      votes = this.#ballot.add(node, value);
    } catch (error) {
      this.#rules.discard(value, node);
      this.#onError(attempt, error);
      return;
    }
    this.#remove(attempt);
    if (votes >= this.#rules.level) this.#win(node);
    this.#rules.onAnswer(node);
    this.#goOn();
  }

  #giveUp(attempt: NodeAttempt, error: Error): void {
    if (!this.#isPending(attempt)) return;
    attempt.abort(error);
    // Whoever listened to the abort may have ended the call.
    if (this.#isPending(attempt)) this.#onError(attempt, error);
  }

  #onError(attempt: NodeAttempt, error: unknown): void {
    const { node } = attempt;
    this.#remove(attempt);
    this.#failures.push({ node, error });
    if (this.#rules.onFailure(node, error) && !this.#settled) {
      // Whoever has been promoted in its place; by another call, perhaps.
      const replacement = this.#rules.primaryNames.find((each) => !this.#asked.has(each));
      if (replacement !== undefined) this.#askAll([replacement]);
    }
    this.#goOn();
  }

  /** When those asked cannot decide any more, although some have answered, backups may. */
  #goOn(): void {
    if (this.#settled) return;
    const { most } = this.#ballot;
    const missing = this.#rules.level - most - this.#pending.size;
    if (missing <= 0) return;
    const { primaryNames, backupNames } = this.#rules;
    const others = [...primaryNames, ...backupNames].filter((node) => !this.#asked.has(node));
    if (most > 0 && others.length >= missing) {
      this.#askAll(others.slice(0, missing));
      return;
    }
    const { name, level } = this.#rules;
    const votes = this.#ballot.groups.map(({ nodes }) => nodes);
    const error = new NoAgreementError(name, level, votes, [...this.#failures]);
    this.#lose(error);
    this.#rules.onNoAgreement(error);
  }

  #win(node: string): void {
    const groups = this.#ballot.groups;
    const winner = groups.find(({ nodes }) => nodes.includes(node));
    if (winner === undefined) return;
    const suspects = groups.flatMap((group) => (group === winner ? [] : group.nodes));
    const decision = { value: winner.value, agreed: winner.nodes, suspects, failures: [...this.#failures] };
    this.#given = winner;
    this.#settle();
    this.#resolve(decision);
    this.#end(this.#pending.size === 0 ? undefined : new AnswerNotNeededError());
    this.#rules.onDecision(decision);
  }

  #lose(reason: unknown): void {
    if (this.#settled) return;
    this.#settle();
    this.#reject(reason);
    this.#end(reason);
  }

  #settle(): void {
    this.#settled = true;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#rules.onEnd(this);
  }

  /** Those still asked are aborted, not waited for; answers are let go of, but for the one that is given. */
  #end(reason: unknown): void {
    const losers = [...this.#pending.values()];
    this.#pending.clear();
    for (const loser of losers) {
      loser.timer?.cancel();
      loser.abort(reason);
    }
    for (const { node, value } of this.#ballot.answers) this.#discard(value, node);
  }

  /** Several nodes may have given the very object that the caller got. */
  #discard(value: unknown, node: string): void {
    const given = this.#given;
    if (given !== undefined && (node === given.nodes[0] || (typeof value === "object" && value === given.value)))
      return;
    this.#rules.discard(value, node);
  }

  #isPending(attempt: NodeAttempt): boolean {
    return this.#pending.get(attempt.node) === attempt;
  }

  #remove(attempt: NodeAttempt): void {
    attempt.timer?.cancel();
    this.#pending.delete(attempt.node);
  }
}

/** One node's part in a call, which cancels alone. Its signal is made when it is first read. */
export class NodeAttempt {
  readonly node: string;
  timer: Timer | undefined;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  constructor(node: string) {
    this.node = node;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }
}
