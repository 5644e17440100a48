/** What changed in a roster. */
export type RosterChange =
  | { readonly type: "failed"; readonly node: string }
  | { readonly type: "returned"; readonly node: string }
  | { readonly type: "promoted"; readonly node: string; readonly replaces: string };

/**
 * Who is asked first, and who stands by. There are always as many primaries as at the start: one that fails gives its
 * place to the first backup, and is a backup, the last one, when it returns. While there is no backup it keeps its place,
 * as those who hold it for failed may be wrong; it loses it to the first one who returns. A node is never in two places.
 *
 * Without time of its own: `now` and `until` are the caller's monotonic milliseconds.
 */
export class Roster {
  readonly #primaries: string[];
  readonly #backups: string[];
  /** Until when a node is held for failed. */
  readonly #failed = new Map<string, number>();

  constructor(primaries: readonly string[], backups: readonly string[]) {
    this.#primaries = [...primaries];
    this.#backups = [...backups];
  }

  get primaries(): readonly string[] {
    return this.#primaries;
  }

  /** Those that can take a place, the next one first. */
  get backups(): readonly string[] {
    return this.#backups;
  }

  /** Those held for failed, among them primaries that nobody could replace. */
  get failed(): readonly string[] {
    return [...this.#failed.keys()];
  }

  has(node: string): boolean {
    return this.#primaries.includes(node) || this.#backups.includes(node) || this.#failed.has(node);
  }

  /** Holds a node for failed until then, or longer if it was so before. Infinity: until it is restored. */
  fail(node: string, until: number): RosterChange[] {
    if (!this.has(node)) return [];
    const before = this.#failed.get(node);
    this.#failed.set(node, Math.max(before ?? until, until));
    if (before !== undefined) return [];
    const at = this.#backups.indexOf(node);
    if (at >= 0) this.#backups.splice(at, 1);
    return [{ type: "failed", node }, ...this.#fill()];
  }

  restore(node: string): RosterChange[] {
    return this.#failed.has(node) ? this.#restore([node]) : [];
  }

  /** A node has answered: whoever held it for failed for a time was wrong; who did so for good knows more. */
  answered(node: string): RosterChange[] {
    return (this.#failed.get(node) ?? Infinity) < Infinity ? this.restore(node) : [];
  }

  /** Restores all whose time is over. */
  expire(now: number): RosterChange[] {
    return this.#restore([...this.#failed].flatMap(([node, until]) => (until <= now ? [node] : [])));
  }

  /** All of them before anybody is promoted: a primary that returns with a backup keeps its place. */
  #restore(nodes: readonly string[]): RosterChange[] {
    const changes = nodes.map((node): RosterChange => {
      this.#failed.delete(node);
      if (!this.#primaries.includes(node)) this.#backups.push(node);
      return { type: "returned", node };
    });
    return [...changes, ...this.#fill()];
  }

  #fill(): RosterChange[] {
    const changes: RosterChange[] = [];
    for (const [at, replaces] of this.#primaries.entries()) {
      if (!this.#failed.has(replaces)) continue;
      const node = this.#backups.shift();
      if (node === undefined) break;
      this.#primaries[at] = node;
      changes.push({ type: "promoted", node, replaces });
    }
    return changes;
  }
}
