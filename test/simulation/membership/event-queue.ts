/** What happens at a time; equal times in the order of adding. */
export interface Happening {
  readonly time: number;
  readonly run: () => void;
}

interface Entry extends Happening {
  readonly sequence: number;
}

/** Virtual time for many thousands of happenings a second: a binary heap and nothing else. */
export class EventQueue {
  readonly #heap: Entry[] = [];
  #sequence = 0;

  get nextTime(): number {
    return this.#heap[0]?.time ?? Number.POSITIVE_INFINITY;
  }

  add(time: number, run: () => void): void {
    const heap = this.#heap;
    const entry: Entry = { time, run, sequence: this.#sequence++ };
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!before(entry, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = entry;
  }

  take(): Happening | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1]!, heap[below]!)) below++;
      if (!before(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence);
}
