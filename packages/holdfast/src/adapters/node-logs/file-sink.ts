import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { checkInteger, checkNumber, checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import { logLevels, logLine, type LogLevel, type LogSink } from "../../telemetry/index.ts";

export interface FileSinkOptions {
  /** The file that is written; older ones lie beside it as `PATH.1` (the newest), `PATH.2`, … Its directory is made. */
  readonly path: string;
  readonly level?: LogLevel;
  /** A file is put aside before it grows beyond. Default 10 MiB. */
  readonly maxBytes?: number;
  /** A file is put aside after so long. Default: never. */
  readonly maxAgeMs?: number;
  /** Older files that are kept; the oldest go first. Default 5. */
  readonly maxFiles?: number;
  /** What waits to be written; lines beyond are dropped and counted. Default 4 MiB. */
  readonly maxBufferedBytes?: number;
  readonly clock?: Pick<Clock, "now">;
}

export interface FileSinkMetrics {
  readonly written: number;
  /** Lines that are in no file: the buffer or the disk was full, or the file could not be written. */
  readonly dropped: number;
  /** Why the last write failed; undefined since one has worked. */
  readonly error: Error | undefined;
}

/** Lines in files that are put aside by size and age. */
export interface FileSink extends LogSink {
  flush(): Promise<void>;
  close(): Promise<void>;
  readonly metrics: FileSinkMetrics;
}

export const fileSinkDefaults: {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly maxFiles: number;
  readonly maxBufferedBytes: number;
} = { maxBytes: 10 * 2 ** 20, maxAgeMs: Infinity, maxFiles: 5, maxBufferedBytes: 4 * 2 ** 20 };

/**
 * Writes one JSON document a line, in the background and in order. A full disk loses lines, counted, and nothing else;
 * `flush` and `close` also sync. One process writes a file.
 *
 * @throws InvalidArgumentError naming the option, its rule and its value
 * @example
 * const sink = fileSink({ path: "logs/orders.log", maxBytes: 50_000_000, maxFiles: 10 });
 */
export function fileSink(options: FileSinkOptions): FileSink {
  checkOptionNames("fileSink", options, [...Object.keys(fileSinkDefaults), "path", "level", "clock"]);
  const all = { ...fileSinkDefaults, clock: systemClock, ...options };
  if (typeof all.path !== "string" || all.path === "" || all.path.includes("\0")) {
    throw new InvalidArgumentError("fileSink.path", "must be a path", all.path);
  }
  if (all.level !== undefined) checkOneOf("fileSink.level", all.level, logLevels);
  checkInteger("fileSink.maxBytes", all.maxBytes, 1_024);
  checkInteger("fileSink.maxFiles", all.maxFiles, 0, 1_000);
  checkInteger("fileSink.maxBufferedBytes", all.maxBufferedBytes, 1_024);
  if (all.maxAgeMs !== Infinity) checkNumber("fileSink.maxAgeMs", all.maxAgeMs, 1_000);
  return new RotatingFile(all);
}

type Settings = Required<Omit<FileSinkOptions, "level">> & Pick<FileSinkOptions, "level">;

class RotatingFile implements FileSink {
  readonly level?: LogLevel;
  readonly #settings: Settings;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #file: FileHandle | undefined;
  #fileBytes = 0;
  #openedAt = 0;
  #isClosed = false;
  #written = 0;
  #dropped = 0;
  #error: Error | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    if (settings.level !== undefined) this.level = settings.level;
  }

  get metrics(): FileSinkMetrics {
    return { written: this.#written, dropped: this.#dropped, error: this.#error };
  }

  write(entry: Parameters<LogSink["write"]>[0]): void {
    const line = Buffer.from(`${logLine(entry)}\n`);
    if (this.#isClosed || this.#waitingBytes + line.length > this.#settings.maxBufferedBytes) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined));
  }

  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    try {
      await this.#file?.datasync();
    } catch (error) {
      this.#error = error as Error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
    await this.#file?.close();
    this.#file = undefined;
  }

  async #writeAll(): Promise<void> {
    // A turn later: lines of one turn go out in one write.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      for (let from = 0; from < lines.length;) from += await this.#writeSome(lines, from);
    }
  }

  /** As many as the present file takes, one at least; gives how many. */
  async #writeSome(lines: readonly Buffer[], from: number): Promise<number> {
    const { maxBytes, maxAgeMs, clock } = this.#settings;
    let count = 1;
    try {
      const first = lines[from]!.length;
      const isOld = this.#file !== undefined && clock.now() - this.#openedAt >= maxAgeMs;
      await this.#open();
      if (this.#fileBytes > 0 && (isOld || this.#fileBytes + first > maxBytes)) await this.#rotate();
      let bytes = first;
      while (from + count < lines.length && this.#fileBytes + bytes + lines[from + count]!.length <= maxBytes) {
        bytes += lines[from + count++]!.length;
      }
      await this.#file!.appendFile(Buffer.concat(lines.slice(from, from + count)));
      this.#fileBytes += bytes;
      this.#written += count;
      this.#error = undefined;
    } catch (error) {
      this.#error = error as Error;
      this.#dropped += count;
      // Half a line may have been written: the next begins on a line of its own.
      await this.#reopen();
    }
    return count;
  }

  async #open(): Promise<void> {
    if (this.#file !== undefined) return;
    const { path, clock } = this.#settings;
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, "a+");
    const { size } = await file.stat();
    if (size > 0) {
      const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: size - 1 });
      if (buffer[0] !== 0x0a) await file.appendFile("\n");
    }
    this.#file = file;
    this.#fileBytes = size;
    this.#openedAt = clock.now();
  }

  async #reopen(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }

  /** `PATH` becomes `PATH.1`, that `PATH.2`, …; what is beyond the last is removed. */
  async #rotate(): Promise<void> {
    const { path, maxFiles } = this.#settings;
    await this.#reopen();
    for (const number of await this.#olderFiles()) {
      if (number >= maxFiles) await rm(`${path}.${number}`, { force: true });
    }
    for (let number = maxFiles - 1; number >= 1; number--) {
      if (await isThere(`${path}.${number}`)) await rename(`${path}.${number}`, `${path}.${number + 1}`);
    }
    if (maxFiles === 0) await rm(path);
    else await rename(path, `${path}.1`);
    await this.#open();
  }

  async #olderFiles(): Promise<readonly number[]> {
    const { path } = this.#settings;
    const prefix = `${basename(path)}.`;
    const names = await readdir(join(dirname(path), "."));
    const suffixes = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    return suffixes.filter((suffix) => /^[1-9]\d{0,5}$/.test(suffix)).map(Number);
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
