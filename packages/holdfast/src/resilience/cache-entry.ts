/** What a cache knows of one key: the last value, and the last failure since. */
export interface CacheEntry {
  /** When the value was loaded, monotonic milliseconds; -Infinity for none. */
  loadedAt: number;
  value: unknown;
  /** When loading it last failed, if it has since `loadedAt`; -Infinity for not. */
  failedAt: number;
  error: unknown;
  /** Read since the search for an entry to evict came by. */
  recent: boolean;
}

/** The entries of a cache, at most so many: the oldest that was not read lately goes first (CLOCK, or second chance). */
export class CacheEntries {
  readonly #entries = new Map<string, CacheEntry>();
  #maxEntries: number;
  evictions = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  peek(key: string): CacheEntry | undefined {
    return this.#entries.get(key);
  }

  read(key: string): CacheEntry | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.recent = true;
    return entry;
  }

  write(key: string, value: unknown, now: number): void {
    this.#put(key, { loadedAt: now, value, failedAt: -Infinity, error: undefined, recent: false });
  }

  writeFailure(key: string, error: unknown, now: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#put(key, { loadedAt: -Infinity, value: undefined, failedAt: now, error, recent: false });
    } else {
      entry.failedAt = now;
      entry.error = error;
    }
  }

  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  resize(maxEntries: number): void {
    this.#maxEntries = maxEntries;
    this.#shrink();
  }

  #put(key: string, entry: CacheEntry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#shrink();
  }

  #shrink(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= this.#maxEntries) return;
      this.#entries.delete(key);
      if (entry.recent) {
        // Put behind all others, where the search comes by again.
        entry.recent = false;
        this.#entries.set(key, entry);
      } else {
        this.evictions++;
      }
    }
  }
}
