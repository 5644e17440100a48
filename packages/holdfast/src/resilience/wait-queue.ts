/** What waits in a queue; the links are the queue's. */
export interface Waiting {
  readonly priority: number;
  readonly key: string;
  line: Line | undefined;
  ahead: Waiting | undefined;
  behind: Waiting | undefined;
}

/** Those of one key, in order of arrival, and the key's place in its level's rotation. */
interface Line {
  readonly key: string;
  readonly level: Level;
  first: Waiting | undefined;
  last: Waiting | undefined;
  left: Line;
  right: Line;
}

interface Level {
  readonly priority: number;
  readonly lines: Map<string, Line>;
  /** Whose turn it is. */
  turn: Line | undefined;
}

/**
 * A queue in which higher priorities go first, keys of one priority take turns, and one key's own go in order of
 * arrival. A key with a thousand waiting delays another key's first by one place, not by a thousand.
 *
 * Adding and taking cost O(levels in use), removing from the middle O(1); nothing is kept of what has left. How many may
 * wait is for the owner to limit.
 */
export class WaitQueue<T extends Waiting> {
  /** Levels in use, highest first. */
  readonly #levels: Level[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(item: T): void {
    const line = this.#line(item.priority, item.key);
    item.line = line;
    item.ahead = line.last;
    item.behind = undefined;
    if (line.last === undefined) line.first = item;
    else line.last.behind = item;
    line.last = item;
    this.#size++;
  }

  /** The next, taken out; undefined when nobody waits. */
  take(): T | undefined {
    const level = this.#levels[0];
    if (level?.turn === undefined) return undefined;
    const line = level.turn;
    level.turn = line.right;
    const item = line.first as T;
    this.remove(item);
    return item;
  }

  /** Takes one out; false when it is not, or no longer, in the queue. */
  remove(item: T): boolean {
    const line = item.line;
    if (line === undefined) return false;
    if (item.ahead === undefined) line.first = item.behind;
    else item.ahead.behind = item.behind;
    if (item.behind === undefined) line.last = item.ahead;
    else item.behind.ahead = item.ahead;
    item.line = undefined;
    item.ahead = undefined;
    item.behind = undefined;
    this.#size--;
    if (line.first === undefined) this.#dissolve(line);
    return true;
  }

  #line(priority: number, key: string): Line {
    const level = this.#level(priority);
    const found = level.lines.get(key);
    if (found !== undefined) return found;
    const line = { key, level, first: undefined, last: undefined } as unknown as Line;
    // A new key joins behind all others: just left of the one whose turn it is.
    const turn = level.turn ?? line;
    line.right = turn;
    line.left = level.turn === undefined ? line : turn.left;
    line.left.right = line;
    turn.left = line;
    level.turn = turn;
    level.lines.set(key, line);
    return line;
  }

  #level(priority: number): Level {
    let at = this.#levels.findIndex((level) => level.priority <= priority);
    if (at < 0) at = this.#levels.length;
    let level = this.#levels[at];
    if (level?.priority !== priority) {
      level = { priority, lines: new Map(), turn: undefined };
      this.#levels.splice(at, 0, level);
    }
    return level;
  }

  #dissolve(line: Line): void {
    const { level, left, right } = line;
    left.right = right;
    right.left = left;
    if (level.turn === line) level.turn = right === line ? undefined : right;
    level.lines.delete(line.key);
    if (level.lines.size === 0) this.#levels.splice(this.#levels.indexOf(level), 1);
  }
}
