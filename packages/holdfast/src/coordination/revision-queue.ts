/** Slots given up at the front before the arrays are cut. */
const cutAt = 1024;

/** A queue of items, each with a revision; revisions never decrease. */
export class RevisionQueue<T> {
  #revisions: number[] = [];
  #items: T[] = [];
  #head = 0;

  /** The revision of the first item; infinite when there is none. */
  get firstRevision(): number {
    return this.#revisions[this.#head] ?? Infinity;
  }

  push(revision: number, item: T): void {
    this.#revisions.push(revision);
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (this.#head < this.#items.length) this.#head++;
    if (this.#head >= cutAt && this.#head * 2 >= this.#items.length) {
      this.#revisions = this.#revisions.slice(this.#head);
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
