import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Whoever has lines that the system has not been given yet. */
export interface Unwritten {
  readonly path: string;
  /** In order; from then on they are whoever's who asked. */
  takeUnwritten(): readonly Buffer[];
}

/** Those that have some now: each is here only while it has. */
class AtExit {
  readonly #all = new Set<Unwritten>();
  readonly #onExit = (): void => this.#write();

  add(each: Unwritten): void {
    if (this.#all.size === 0) process.on("exit", this.#onExit);
    this.#all.add(each);
  }

  delete(each: Unwritten): void {
    this.#all.delete(each);
    if (this.#all.size === 0) process.off("exit", this.#onExit);
  }

  /** At once, since nothing is waited for any more; a file may become larger than it should. */
  #write(): void {
    for (const each of this.#all) {
      const lines = each.takeUnwritten();
      if (lines.length === 0) continue;
      try {
        mkdirSync(dirname(each.path), { recursive: true });
        const file = openSync(each.path, "a");
        try {
          const data = Buffer.concat(lines);
          for (let from = 0; from < data.length;) from += writeSync(file, data, from);
        } finally {
          closeSync(file);
        }
      } catch {
        // The process ends with a status of its own, whatever the disk says.
      }
    }
  }
}

export const writeAtExit: AtExit = new AtExit();
