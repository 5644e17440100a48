import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { writeAtExit, type Unwritten } from "./write-at-exit.ts";
import { checkInteger, checkNumber, checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock, type Clock } from "../../runtime/system.ts";
import { logLevels, logLine, type LogLevel, type LogSink } from "../../telemetry/index.ts";

export interface FileSinkOptions {
  /** The file that is written; older ones lie beside it as `PATH.1` (the newest), `PATH.2`, … Its directory is made. */
  readonly path: string;
  readonly level?: LogLevel;
  /** A file is put aside before it grows beyond. Default 10 MiB. */
  readonly maxBytes?: number;
  /** A file is put aside so long after it was begun, by whichever process. Default: never. */
  readonly maxAgeMs?: number;
  /** Older files that are kept; the oldest go first. Default 5. */
  readonly maxFiles?: number;
  /** What waits to be written; lines beyond are dropped and counted. Default 4 MiB. */
  readonly maxBufferedBytes?: number;
  /** Whether each write is synced to the disk, not only what `flush` and `close` wait for. Default false. */
  readonly fsync?: boolean;
  readonly clock?: Pick<Clock, "now" | "wallTime">;
}

export interface FileSinkMetrics {
  readonly written: number;
  /** Lines that are not whole in any file, or with `fsync` may be lost: the buffer or the disk was full, or failed. */
  readonly dropped: number;
  /** Why the last write failed; undefined since one has worked. */
  readonly error: Error | undefined;
}

/** Lines in files that are put aside by size and age. */
export interface FileSink extends LogSink {
  /** The next line opens `path` anew: for whoever has moved the file. It is noticed without, within a second. */
  reopen(): void;
  flush(): Promise<void>;
  close(): Promise<void>;
  readonly metrics: FileSinkMetrics;
}

export const fileSinkDefaults: {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly maxFiles: number;
  readonly maxBufferedBytes: number;
  readonly fsync: boolean;
} = { maxBytes: 10 * 2 ** 20, maxAgeMs: Infinity, maxFiles: 5, maxBufferedBytes: 4 * 2 ** 20, fsync: false };

/** How often it is looked whether the file is where it was. */
const lookEveryMs = 1_000;

/**
 * Writes one JSON document a line, in the background and in order. A full disk loses lines, counted, and nothing else;
 * `flush` and `close` also sync. What waits when the process ends, by `process.exit` or an error that nobody caught, is
 * written then. One process writes a file; others may move it.
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
  checkOneOf("fileSink.fsync", String(all.fsync), ["true", "false"]);
  if (all.maxAgeMs !== Infinity) checkNumber("fileSink.maxAgeMs", all.maxAgeMs, 1_000);
  return new RotatingFile(all);
}

type Settings = Required<Omit<FileSinkOptions, "level">> & Pick<FileSinkOptions, "level">;

class RotatingFile implements FileSink, Unwritten {
  readonly level?: LogLevel;
  readonly #settings: Settings;
  /** In order; those that the system has been given first. */
  readonly #lines: Buffer[] = [];
  #given = 0;
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #file: FileHandle | undefined;
  #fileNumber = 0;
  #fileBytes = 0;
  #begunAt = 0;
  #lookedAt = 0;
  #isStale = false;
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

  get path(): string {
    return this.#settings.path;
  }

  write(entry: Parameters<LogSink["write"]>[0]): void {
    const line = Buffer.from(`${logLine(entry)}\n`);
    if (this.#isClosed || this.#waitingBytes + line.length > this.#settings.maxBufferedBytes) {
      this.#dropped++;
      return;
    }
    this.#lines.push(line);
    this.#waitingBytes += line.length;
    if (this.#writing !== undefined) return;
    writeAtExit.add(this);
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined;
      writeAtExit.delete(this);
    });
  }

  reopen(): void {
    this.#isStale = true;
  }

  takeUnwritten(): readonly Buffer[] {
    const left = this.#lines.splice(this.#given);
    this.#written += left.length;
    return left;
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
    await this.#release();
  }

  async #writeAll(): Promise<void> {
    // A turn later: lines of one turn go out in one write.
    await Promise.resolve();
    while (this.#lines.length > 0) await this.#writeSome();
  }

  /** As many as the present file takes, one at least. */
  async #writeSome(): Promise<void> {
    const { maxBytes, maxAgeMs, clock, fsync } = this.#settings;
    const lines = this.#lines;
    let bytes = 0;
    try {
      await this.#open();
      const isOld = clock.now() - this.#begunAt >= maxAgeMs;
      if (this.#fileBytes > 0 && (isOld || this.#fileBytes + lines[0]!.length > maxBytes)) await this.#rotate();
      const room = maxBytes - this.#fileBytes;
      do bytes += lines[this.#given++]!.length;
      while (this.#given < lines.length && bytes + lines[this.#given]!.length <= room);
      const data = Buffer.concat(lines.slice(0, this.#given));
      for (bytes = 0; bytes < data.length;) {
        const { bytesWritten } = await this.#file!.write(data, bytes);
        bytes += bytesWritten;
        this.#fileBytes += bytesWritten;
      }
      if (fsync) await this.#file!.datasync();
      this.#take(this.#given, true);
      this.#error = undefined;
    } catch (error) {
      this.#error = error as Error;
      // Some may be whole: a disk fills up in the middle of a write. Unsynced they are worth nothing to whoever wants that.
      if (fsync) bytes = 0;
      while (this.#given > 0 && bytes >= lines[0]!.length) {
        bytes -= lines[0]!.length;
        this.#take(1, true);
      }
      this.#take(Math.max(1, this.#given), false);
      // Half a line may have been written: the next begins on a line of its own.
      await this.#release();
    }
  }

  #take(count: number, isWritten: boolean): void {
    for (const line of this.#lines.splice(0, count)) this.#waitingBytes -= line.length;
    this.#given = Math.max(0, this.#given - count);
    if (isWritten) this.#written += count;
    else this.#dropped += count;
  }

  /** The file at the path, which somebody may have moved. */
  async #open(): Promise<void> {
    const { path, clock } = this.#settings;
    if (this.#file !== undefined && (this.#isStale || clock.now() - this.#lookedAt >= lookEveryMs)) {
      const number = this.#isStale ? undefined : await fileNumber(path);
      if (number !== this.#fileNumber) await this.#release();
      this.#lookedAt = clock.now();
    }
    this.#isStale = false;
    if (this.#file !== undefined) return;
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, "a+");
    const { size, ino, birthtimeMs } = await file.stat();
    if (size > 0) {
      const { buffer } = await file.read({ buffer: Buffer.alloc(1), position: size - 1 });
      if (buffer[0] !== 0x0a) await file.appendFile("\n");
    }
    this.#file = file;
    this.#fileNumber = ino;
    this.#fileBytes = size;
    this.#lookedAt = clock.now();
    // By the wall clock, which may be wrong: a file of the future is new.
    const ageMs = size > 0 && birthtimeMs > 0 ? Math.max(0, clock.wallTime() - birthtimeMs) : 0;
    this.#begunAt = this.#lookedAt - ageMs;
  }

  async #release(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }

  /** `PATH` becomes `PATH.1`, that `PATH.2`, …; what is beyond the last is removed. */
  async #rotate(): Promise<void> {
    const { path, maxFiles } = this.#settings;
    await this.#release();
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
  return (await fileNumber(path)) !== undefined;
}

/** Undefined where there is none. */
async function fileNumber(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ ino }) => ino,
    () => undefined,
  );
}
