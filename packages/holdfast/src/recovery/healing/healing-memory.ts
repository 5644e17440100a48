import { aimOf, subjectOf, type HealingAction, type HealingOrder } from "./healing-action.ts";
import type { GuardName } from "./healing-guards.ts";

const hourMs = 3_600_000;

/** What healing remembers from one look to the next. What is half done shows in the cluster itself, also to another healer. */
export class HealingMemory {
  /** Since when something has been so, by what. */
  readonly #since = new Map<string, number>();
  readonly #begun: { readonly action: HealingAction; readonly atMs: number }[] = [];
  /** What is being done now. */
  underWay: { readonly order: HealingOrder; readonly atMs: number } | undefined;
  /** When something that disturbs last began or ended. */
  disturbedAtMs: number = Number.NEGATIVE_INFINITY;
  leader: string | null = null;
  /** Why each aim was last not followed. */
  readonly withheld: Map<string, { readonly guard: GuardName; readonly sinceMs: number }> = new Map();
  /** What a person has been called for. */
  readonly called: Set<string> = new Set();
  /** Since when the cluster is not as it should be. */
  weakSinceMs: number | undefined;

  /** Notes whether something is so, and tells for how long it has been. */
  lasting(what: string, isSo: boolean, nowMs: number): number {
    if (!isSo) {
      this.#since.delete(what);
      return -1;
    }
    const since = this.#since.get(what) ?? nowMs;
    this.#since.set(what, since);
    return nowMs - since;
  }

  /** Forgets what was noted of members that are there no more. */
  forgetOthers(ids: ReadonlySet<string>): void {
    for (const what of this.#since.keys()) {
      const [, id] = what.split(" ");
      if (id !== undefined && !ids.has(id)) this.#since.delete(what);
    }
  }

  /** Nothing is known to have lasted. */
  forgetTimes(): void {
    this.#since.clear();
    this.withheld.clear();
    this.leader = null;
  }

  begin(action: HealingAction, nowMs: number): void {
    this.#begun.push({ action, atMs: nowMs });
    while (this.#begun[0] !== undefined && nowMs - this.#begun[0].atMs > hourMs) this.#begun.shift();
  }

  /** Of this kind within the last hour, about one member where one is given. */
  lastHour(type: HealingAction["type"], nowMs: number, member?: string): readonly number[] {
    return this.#begun
      .filter(({ action, atMs }) => action.type === type && nowMs - atMs <= hourMs)
      .filter(({ action }) => member === undefined || subjectOf(action) === member)
      .map(({ atMs }) => atMs);
  }

  /** A person has looked at it: what was done before counts no more. */
  acknowledge(): void {
    this.#begun.length = 0;
    this.called.clear();
  }

  /** Since when an aim has been withheld for this reason. */
  withhold(
    action: HealingAction,
    guard: GuardName,
    nowMs: number,
  ): { readonly isNew: boolean; readonly forMs: number } {
    const aim = aimOf(action);
    const before = this.withheld.get(aim);
    if (before?.guard === guard) return { isNew: false, forMs: nowMs - before.sinceMs };
    this.withheld.set(aim, { guard, sinceMs: nowMs });
    return { isNew: true, forMs: 0 };
  }
}
