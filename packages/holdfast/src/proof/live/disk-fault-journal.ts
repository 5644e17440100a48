import { InvalidArgumentError } from "../../errors/base.ts";
import type { DirectoryLock, Disk, DiskFile } from "../../runtime/index.ts";
import type { FaultJournal, JournalEntry } from "./fault-journal.ts";

export interface DiskFaultJournalOptions {
  readonly disk: Disk;
  /** Its own; made when it is not there. One process at a time has it. */
  readonly directory: string;
}

const fileName = "faults.jsonl";
/** From here on what has ended is left out of the file, where something goes on all the time. */
const compactBytes = 1024 * 1024;

/**
 * A journal in a directory: JSON lines, each synced before its fault begins. A line cut off by a crash at the end is one
 * whose fault has not begun; a line that cannot be read is passed over.
 *
 * @throws Error with code `ELOCKED` when another process has the directory
 */
export async function diskFaultJournal({ disk, directory }: DiskFaultJournalOptions): Promise<FaultJournal> {
  if (typeof directory !== "string" || directory === "") {
    throw new InvalidArgumentError("diskFaultJournal.directory", "must be a path", directory);
  }
  await disk.makeDirectory(directory);
  const lock = await disk.lock(directory);
  try {
    const path = `${directory}/${fileName}`;
    const file = await disk.open(path, { create: true });
    const journal = new DiskFaultJournal(disk, directory, file, lock);
    await journal.load();
    return journal;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

type Line = { readonly begin: JournalEntry } | { readonly end: string };

class DiskFaultJournal implements FaultJournal {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #lock: DirectoryLock;
  readonly #open = new Map<string, JournalEntry>();
  #file: DiskFile;
  #size = 0;
  #isClosed = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(disk: Disk, directory: string, file: DiskFile, lock: DirectoryLock) {
    this.#disk = disk;
    this.#directory = directory;
    this.#file = file;
    this.#lock = lock;
  }

  async load(): Promise<void> {
    const bytes = await this.#file.read(0, await this.#file.size());
    const lines = new TextDecoder().decode(bytes).split("\n");
    for (const line of lines) {
      const read = readLine(line);
      if (read === undefined) continue;
      if ("begin" in read) this.#open.set(read.begin.id, read.begin);
      else this.#open.delete(read.end);
    }
    // In full, so that nothing half written stands before what comes.
    await this.#rewrite();
  }

  begin(entry: JournalEntry): Promise<void> {
    return this.#inTurn(async () => {
      await this.#append({ begin: entry });
      this.#open.set(entry.id, entry);
    });
  }

  end(id: string): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#open.delete(id)) return;
      if (this.#open.size === 0 || this.#size > compactBytes) await this.#rewrite();
      else await this.#append({ end: id });
    });
  }

  open(): Promise<readonly JournalEntry[]> {
    return this.#inTurn(() => Promise.resolve([...this.#open.values()]));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#last;
    await this.#file.close();
    await this.#lock.release();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new Error("the journal of faults is closed"));
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #append(line: Line): Promise<void> {
    const bytes = encode([line]);
    // Where the next one goes is known only when this one is whole: after a failure it is written over.
    await this.#file.write(this.#size, [bytes]);
    await this.#file.sync();
    this.#size += bytes.length;
  }

  /** Puts a file with what is open in the place of the old one. */
  async #rewrite(): Promise<void> {
    const path = `${this.#directory}/${fileName}`;
    const next = await this.#disk.open(`${path}.new`, { create: true });
    const bytes = encode([...this.#open.values()].map((begin) => ({ begin })));
    await next.truncate(0);
    await next.write(0, [bytes]);
    await next.sync();
    await this.#disk.rename(`${path}.new`, path);
    await this.#disk.syncDirectory(this.#directory);
    const old = this.#file;
    this.#file = next;
    this.#size = bytes.length;
    await old.close();
  }
}

function encode(lines: readonly Line[]): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

/** Undefined for what is no line of a journal. */
function readLine(text: string): Line | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { begin, end } = value as { begin?: Partial<JournalEntry> | null; end?: unknown };
  if (typeof end === "string") return { end };
  if (typeof begin?.id !== "string" || typeof begin.target !== "string" || typeof begin.kind !== "string") {
    return undefined;
  }
  const { id, target, kind, parameters = {}, durationMs = 0, startedAt = 0, undo = null } = begin;
  return { begin: { id, target, kind, parameters, durationMs, startedAt, undo } };
}
