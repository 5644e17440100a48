import { type CrashPolicy, drawCrashPolicy } from "./crash-policy.ts";
import { checkFaults, type DiskFaults } from "./faults.ts";
import { platformError } from "./platform-error.ts";
import type { Random } from "./runtime.ts";
import { DirectoryTree } from "./simulated-directory.ts";
import type { FileImage } from "./simulated-file.ts";
import type { EventOwner, SimulationEngine } from "./simulation-engine.ts";

export type DiskOperation =
  | "open"
  | "read"
  | "write"
  | "truncate"
  | "sync"
  | "list"
  | "makeDirectory"
  | "rename"
  | "remove"
  | "syncDirectory"
  | "lock";

/** What a test sees of a disk and does to it. */
export interface DiskControl {
  /** A file's content as programs read it, or as the medium holds it; undefined when there is none. */
  content(path: string, view?: "visible" | "durable"): Uint8Array | undefined;
  /** A directory's names as programs see them, or as the medium holds them; undefined when there is none. */
  names(directory: string, view?: "visible" | "durable"): string[] | undefined;
  /** Every file that programs see, by its path, in order of the paths. */
  files(): string[];
  /** Turns a bit for good; a drawn one where none is named. @throws RangeError when there is no such byte */
  flipBit(path: string, offset?: number, bit?: number): void;
  /** Leaves room for so many bytes more, after which writes fail with ENOSPC; undefined takes the limit back. */
  limitFree(bytes: number | undefined): void;
  /** Makes the next `times` (default 1) operations of a kind fail with EIO; a failed sync keeps or drops what it had. */
  failNext(
    operation: DiskOperation,
    options?: { readonly times?: number; readonly unsynced?: "kept" | "dropped" },
  ): void;
  /** Makes operations of a kind take longer; 0 takes it back. */
  delay(operation: DiskOperation, extraMs: number): void;
  /** Lets no operation of a kind finish, until `release`. */
  stall(operation: DiskOperation): void;
  release(): void;
  /** Changes what happens by itself. */
  setFaults(faults: Partial<DiskFaults>): void;
  /** Makes it worse than it is, until what it returns is called: times come on top, shares are chances of their own. */
  disturb(faults: Partial<DiskFaults>): () => void;
}

/** What a crash leaves, where a test wants to choose; drawn otherwise, for each file. */
export interface CrashOptions {
  readonly unsynced?: CrashPolicy;
  readonly entries?: CrashPolicy;
}

/** An operation on its way to the disk. */
interface Pending {
  readonly owner: EventOwner;
  readonly effect: () => unknown;
  /** What is left of it when the process is killed in the middle. */
  readonly tear: (() => void) | undefined;
}

interface PlannedFailure {
  left: number;
  readonly unsynced: "kept" | "dropped" | undefined;
}

const slow: ReadonlySet<DiskOperation> = new Set<DiskOperation>(["sync", "syncDirectory", "makeDirectory"]);

/** A machine's disk, which outlives its processes. */
export class SimulatedDisk implements DiskControl {
  readonly tree: DirectoryTree = new DirectoryTree();
  readonly locks: Map<string, { readonly owner: EventOwner; readonly name: string }> = new Map();
  readonly #engine: SimulationEngine;
  readonly #host: string;
  readonly #random: Random;
  #faults: DiskFaults;
  readonly #disturbances = new Set<Partial<DiskFaults>>();
  readonly #pending = new Set<Pending>();
  readonly #planned = new Map<DiskOperation, PlannedFailure>();
  readonly #delays = new Map<DiskOperation, number>();
  readonly #stalled = new Set<DiskOperation>();
  #waiting: (() => void)[] = [];
  #capacity: number | undefined;

  constructor(engine: SimulationEngine, host: string, random: Random, faults: DiskFaults) {
    this.#engine = engine;
    this.#host = host;
    this.#random = random;
    this.#faults = faults;
  }

  /** Runs `effect` after the time an operation takes, unless it fails; its answer goes to `owner`. */
  operate<T>(
    owner: EventOwner,
    operation: DiskOperation,
    path: string,
    effect: () => T,
    tear?: () => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!owner.alive) return;
      const pending: Pending = { owner, effect, tear };
      this.#pending.add(pending);
      const finish = (): void => {
        if (this.#stalled.has(operation)) {
          this.#engine.fault("disk-stalled", this.#host);
          this.#waiting.push(() => schedule(0));
          return;
        }
        this.#pending.delete(pending);
        try {
          this.#failAsDrawn(operation, path);
          resolve(effect());
        } catch (error) {
          reject(error);
        }
      };
      const schedule = (afterMs: number): void => {
        this.#engine.schedule(this.#engine.now + afterMs, `disk-${operation}`, this.#host, owner, finish);
      };
      schedule(this.#drawTime(operation));
    });
  }

  /** Writes, as far as there is room. */
  write(file: FileImage, offset: number, bytes: Uint8Array, path: string): void {
    const end = offset + bytes.length;
    const over = this.#capacity === undefined ? 0 : this.#used() + Math.max(0, end - file.size) - this.#capacity;
    if (over <= 0 || end <= file.size) {
      file.write(offset, bytes);
      return;
    }
    this.#engine.fault("disk-full", this.#host, over);
    if (over < bytes.length) file.write(offset, bytes.slice(0, bytes.length - over));
    throw platformError("ENOSPC", "write", `'${path}'`);
  }

  /** A part of a write, as a process killed in the middle leaves it. */
  tearWrite(file: FileImage, offset: number, bytes: Uint8Array): void {
    this.#engine.fault("interrupted-write", this.#host);
    file.write(offset, bytes.slice(0, this.#random.integer(0, bytes.length)));
  }

  /** Syncs the changes before number `end`, or fails as planned or drawn, and then may forget them. */
  sync(file: FileImage, end: number, path: string): void {
    const planned = this.#plannedFailure("sync");
    if (planned === undefined && !this.#happens("syncError")) {
      file.sync(end);
      return;
    }
    this.#engine.fault("sync-failed", this.#host);
    const unsynced = planned?.unsynced ?? (this.#random.next() < 0.5 ? "kept" : "dropped");
    if (unsynced === "dropped") file.dropUnsynced(end);
    throw platformError("EIO", "fdatasync", `'${path}'`);
  }

  /** Reads, after a bit may have rotted. */
  read(file: FileImage, offset: number, length: number): Uint8Array {
    const count = Math.min(length, file.size - offset);
    if (count > 0 && this.#happens("bitRot")) this.#rot(file, offset + this.#random.integer(0, count - 1));
    return file.visible.read(offset, length);
  }

  content(path: string, view: "visible" | "durable" = "visible"): Uint8Array | undefined {
    const bytes = this.tree.find(path, view)?.[view];
    return bytes?.read(0, bytes.size);
  }

  names(directory: string, view: "visible" | "durable" = "visible"): string[] | undefined {
    return this.tree.hasDirectory(directory) ? this.tree.list(directory, view) : undefined;
  }

  files(): string[] {
    return this.tree.paths();
  }

  flipBit(path: string, offset?: number, bit?: number): void {
    const file = this.tree.find(path);
    if (file === undefined || file.size === 0)
      throw new RangeError(`flipBit.path must name a file with bytes (got ${path})`);
    const at = offset ?? this.#random.integer(0, file.size - 1);
    if (!(at >= 0 && at < file.size)) throw new RangeError(`flipBit.offset must be in 0..${file.size - 1} (got ${at})`);
    this.#rot(file, at, bit);
  }

  limitFree(bytes: number | undefined): void {
    if (bytes !== undefined && !(bytes >= 0)) throw new RangeError(`limitFree.bytes must be >= 0 (got ${bytes})`);
    this.#capacity = bytes === undefined ? undefined : this.#used() + bytes;
  }

  failNext(
    operation: DiskOperation,
    options?: { readonly times?: number; readonly unsynced?: "kept" | "dropped" },
  ): void {
    this.#planned.set(operation, { left: options?.times ?? 1, unsynced: options?.unsynced });
  }

  delay(operation: DiskOperation, extraMs: number): void {
    if (!(extraMs >= 0)) throw new RangeError(`delay.extraMs must be a number >= 0 (got ${extraMs})`);
    this.#delays.set(operation, extraMs);
  }

  stall(operation: DiskOperation): void {
    this.#stalled.add(operation);
  }

  release(): void {
    this.#stalled.clear();
    for (const again of this.#waiting.splice(0)) again();
  }

  setFaults(faults: Partial<DiskFaults>): void {
    checkFaults("setFaults", faults);
    this.#faults = { ...this.#faults, ...faults };
  }

  disturb(faults: Partial<DiskFaults>): () => void {
    checkFaults("disturb", faults);
    const disturbance = { ...faults };
    this.#disturbances.add(disturbance);
    return () => {
      this.#disturbances.delete(disturbance);
    };
  }

  /** The process ended: of what it had under way, each operation happened, or did not, or was interrupted. */
  endLife(owner: EventOwner): void {
    for (const pending of this.#pending) {
      if (pending.owner !== owner) continue;
      this.#pending.delete(pending);
      const outcome = this.#random.integer(0, 2);
      if (outcome === 0) continue;
      try {
        if (outcome === 2 && pending.tear !== undefined) pending.tear();
        else pending.effect();
      } catch {
        // It failed, and there is nobody to learn it.
      }
    }
    for (const [directory, lock] of this.locks) if (lock.owner === owner) this.locks.delete(directory);
  }

  /** The machine lost its power. */
  crash(options: CrashOptions): void {
    const before = this.tree.files();
    const entries = options.entries ?? drawCrashPolicy(this.#random);
    for (const kind of this.tree.crash(entries, this.#random)) {
      this.#engine.fault(kind === "creation" ? "entry-vanished" : `${kind}-undone`, this.#host);
    }
    for (const file of new Set([...before, ...this.tree.files()])) {
      const damage = file.crash(options.unsynced ?? drawCrashPolicy(this.#random), this.#random);
      if (damage.lost) this.#engine.fault("unsynced-lost", this.#host);
      if (damage.torn) this.#engine.fault("torn-write", this.#host);
    }
    this.#stalled.clear();
    this.#waiting = [];
  }

  #rot(file: FileImage, offset: number, bit?: number): void {
    this.#engine.fault("bit-rot", this.#host, offset);
    file.flipBit(offset, bit ?? this.#random.integer(0, 7));
  }

  #used(): number {
    let used = 0;
    for (const file of this.tree.files()) used += file.size;
    return used;
  }

  #drawTime(operation: DiskOperation): number {
    let mean = 0;
    let time = this.#delays.get(operation) ?? 0;
    for (const faults of [this.#faults, ...this.#disturbances]) {
      mean += (slow.has(operation) ? faults.syncMs : faults.operationMs) ?? 0;
      if (!slow.has(operation) || !this.#chance(faults.slowSync)) continue;
      this.#engine.fault("slow-sync", this.#host);
      time += faults.slowSyncMs ?? 0;
    }
    return time + mean / 2 - (mean / 2) * Math.log(1 - this.#random.next());
  }

  /** A sync decides for itself, because it must also decide what is left. */
  #failAsDrawn(operation: DiskOperation, path: string): void {
    if (operation === "sync") return;
    const kind = { read: "readError", write: "writeError", syncDirectory: "syncError" } as const;
    const failure = operation in kind ? kind[operation as keyof typeof kind] : undefined;
    const planned = this.#plannedFailure(operation);
    if (planned === undefined && (failure === undefined || !this.#happens(failure))) return;
    this.#engine.fault(`${operation === "syncDirectory" ? "sync" : operation}-failed`, this.#host);
    throw platformError("EIO", operation, `'${path}'`);
  }

  #plannedFailure(operation: DiskOperation): PlannedFailure | undefined {
    const planned = this.#planned.get(operation);
    if (planned === undefined || planned.left <= 0) return undefined;
    planned.left--;
    return planned;
  }

  /** Whether a fault that has a share happens, by itself or for one of the disturbances. */
  #happens(name: "readError" | "writeError" | "syncError" | "bitRot"): boolean {
    if (this.#chance(this.#faults[name])) return true;
    for (const faults of this.#disturbances) if (this.#chance(faults[name])) return true;
    return false;
  }

  #chance(chance = 0): boolean {
    return chance > 0 && this.#random.next() < chance;
  }
}
