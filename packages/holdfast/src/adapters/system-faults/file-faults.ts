import { readFileSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Taken when this is loaded: before anything is patched. */
const real = { readFileSync, readlinkSync, realpathSync };

export type FileOperation = "read" | "write" | "sync";

/** What can go wrong with the files of a process. */
export type FileFaultKind = "fullDisk" | "slowDisk" | "failingSync" | "failingDisk";

interface FileFault {
  readonly kind: FileFaultKind;
  /** A file, or a directory with all that is below it. */
  readonly path: string;
  readonly of: string;
  readonly share: number;
  readonly extraMs: number;
  freeBytes: number;
  struck: number;
}

/** What an operation meets. */
export interface FileVerdict {
  readonly delayMs: number;
  readonly failure: "ENOSPC" | "EIO" | undefined;
}

/** Writes to files that were opened so are syncs as well. */
const syncedOnWrite = 0o10_000;

/** What goes wrong with which files. */
export class FileFaults {
  readonly #faults = new Map<string, FileFault>();

  get isEmpty(): boolean {
    return this.#faults.size === 0;
  }

  add(id: string, kind: FileFaultKind, parameters: Readonly<Record<string, unknown>>): void {
    const { path, of = "sync", share = 1, extraMs = 0, freeBytes = 0 } = parameters;
    this.#faults.set(id, {
      kind,
      path: pathOf(path),
      of: String(of),
      share: Number(share),
      extraMs: Number(extraMs),
      freeBytes: Number(freeBytes),
      struck: 0,
    });
  }

  remove(id: string): void {
    this.#faults.delete(id);
  }

  struck(id: string): number {
    return this.#faults.get(id)?.struck ?? 0;
  }

  /** What becomes of an operation on a file, which is named by its number, its path or its handle. */
  consult(operation: FileOperation, file: unknown, bytes: number): FileVerdict | undefined {
    const path = pathOf(file);
    let delayMs = 0;
    let failure: FileVerdict["failure"];
    for (const fault of this.#faults.values()) {
      if (path !== fault.path && !path.startsWith(fault.path === sep ? sep : fault.path + sep)) continue;
      if (!isMeant(fault, operation, file)) continue;
      if (fault.kind === "fullDisk") {
        if (bytes <= fault.freeBytes) {
          fault.freeBytes -= bytes;
          continue;
        }
        failure = "ENOSPC";
      } else if (Math.random() >= fault.share) continue;
      else if (fault.kind === "slowDisk") delayMs += fault.extraMs;
      else failure ??= "EIO";
      fault.struck++;
    }
    return delayMs === 0 && failure === undefined ? undefined : { delayMs, failure };
  }
}

function isMeant({ kind, of }: FileFault, operation: FileOperation, file: unknown): boolean {
  if (kind === "fullDisk") return operation === "write";
  const wanted = kind === "failingSync" ? "sync" : of;
  if (wanted === "all" || wanted === operation) return true;
  return wanted === "sync" && operation === "write" && isSyncedOnWrite(file);
}

function isSyncedOnWrite(file: unknown): boolean {
  if (typeof file !== "number") return false;
  const [, flags = "0"] = /^flags:\s+(\d+)$/m.exec(real.readFileSync(`/proc/self/fdinfo/${file}`, "latin1")) ?? [];
  return (Number.parseInt(flags, 8) & syncedOnWrite) !== 0;
}

/** Without links. Empty for what is no file. */
function pathOf(file: unknown): string {
  try {
    if (typeof file === "number") return real.readlinkSync(`/proc/self/fd/${file}`);
    const path = resolve(file instanceof URL ? fileURLToPath(file) : String(file));
    try {
      return real.realpathSync(path);
    } catch {
      // Not there yet.
      return join(real.realpathSync(dirname(path)), basename(path));
    }
  } catch {
    return "";
  }
}
