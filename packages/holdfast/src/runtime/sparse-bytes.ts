const pageBytes = 4096;

/** The content of a file: pages where something was written, zeros elsewhere. */
export class SparseBytes {
  #size = 0;
  readonly #pages = new Map<number, Uint8Array>();

  get size(): number {
    return this.#size;
  }

  /** A copy of up to `length` bytes from `offset`; fewer at the end. */
  read(offset: number, length: number): Uint8Array {
    const end = Math.min(this.#size, offset + length);
    const result = new Uint8Array(Math.max(0, end - offset));
    for (let at = offset; at < end;) {
      const start = at % pageBytes;
      const count = Math.min(pageBytes - start, end - at);
      const page = this.#pages.get((at - start) / pageBytes);
      if (page !== undefined) result.set(page.subarray(start, start + count), at - offset);
      at += count;
    }
    return result;
  }

  write(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const start = (offset + done) % pageBytes;
      const count = Math.min(pageBytes - start, bytes.length - done);
      const number = (offset + done - start) / pageBytes;
      let page = this.#pages.get(number);
      if (page === undefined) {
        page = new Uint8Array(pageBytes);
        this.#pages.set(number, page);
      }
      page.set(bytes.subarray(done, done + count), start);
      done += count;
    }
    if (bytes.length > 0) this.#size = Math.max(this.#size, offset + bytes.length);
  }

  /** Cuts, or extends with zeros. */
  truncate(size: number): void {
    if (size < this.#size) {
      const kept = Math.ceil(size / pageBytes);
      for (const number of this.#pages.keys()) if (number >= kept) this.#pages.delete(number);
      // What lay behind the end must not come back when the file grows again.
      if (size % pageBytes !== 0) this.#pages.get(kept - 1)?.fill(0, size % pageBytes);
    }
    this.#size = size;
  }

  clone(): SparseBytes {
    const copy = new SparseBytes();
    copy.#size = this.#size;
    for (const [number, page] of this.#pages) copy.#pages.set(number, page.slice());
    return copy;
  }
}
