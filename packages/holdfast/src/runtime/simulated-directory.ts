import { basename, dirname, join } from "node:path/posix";
import type { CrashPolicy } from "./crash-policy.ts";
import { platformError } from "./platform-error.ts";
import type { Random } from "./runtime.ts";
import { FileImage } from "./simulated-file.ts";

type Entries = Map<string, FileImage>;

interface Directory {
  readonly visible: Entries;
  readonly durable: Entries;
}

/** A change of names that no syncDirectory has covered. Applied whole or not at all. */
interface NameChange {
  readonly number: number;
  readonly kind: "creation" | "rename" | "removal";
  readonly file: FileImage;
  /** The path that loses the file, if one does, and the one that gets it. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** The names on a simulated disk: what programs see, what the medium holds, and the changes in between, in order. */
export class DirectoryTree {
  readonly #directories = new Map<string, Directory>([["/", { visible: new Map(), durable: new Map() }]]);
  #changes: NameChange[] = [];
  #nextChange = 0;

  /** The number of the next change: a syncDirectory that starts now covers those before it. */
  get nextChange(): number {
    return this.#nextChange;
  }

  /** Directories are made durably, as the contract of `makeDirectory` asks. */
  makeDirectory(path: string): void {
    if (this.#directories.has(path)) return;
    const parent = dirname(path);
    if (this.find(parent) !== undefined) throw notFound("ENOTDIR", "mkdir", path);
    this.makeDirectory(parent);
    if (this.#directory(parent, "mkdir", path).visible.has(basename(path))) throw notFound("EEXIST", "mkdir", path);
    this.#directories.set(path, { visible: new Map(), durable: new Map() });
  }

  /** Every file, by its path. */
  paths(): string[] {
    return [...this.#directories]
      .flatMap(([directory, { visible }]) => [...visible.keys()].map((name) => join(directory, name)))
      .sort();
  }

  list(path: string, view: "visible" | "durable" = "visible"): string[] {
    const names = [...this.#directory(path, "scandir", path)[view].keys()];
    for (const other of this.#directories.keys()) {
      if (other !== "/" && dirname(other) === path) names.push(basename(other));
    }
    return names.sort();
  }

  /** Opens, or creates. */
  open(path: string, create: boolean): FileImage {
    if (this.#directories.has(path)) throw notFound("EISDIR", "open", path);
    const { visible } = this.#directory(dirname(path), "open", path);
    const existing = visible.get(basename(path));
    if (existing !== undefined) return existing;
    if (!create) throw notFound("ENOENT", "open", path);
    const file = new FileImage();
    visible.set(basename(path), file);
    this.#changes.push({ number: this.#nextChange++, kind: "creation", file, from: undefined, to: path });
    return file;
  }

  rename(from: string, to: string): void {
    const subject = `'${from}' -> '${to}'`;
    if (this.#directories.has(from)) {
      throw platformError("EINVAL", "rename", subject, "renaming directories is not simulated");
    }
    const source = this.#directory(dirname(from), "rename", from).visible;
    const file = source.get(basename(from));
    if (file === undefined) throw platformError("ENOENT", "rename", subject);
    if (this.#directories.has(to)) throw platformError("EISDIR", "rename", subject);
    const target = this.#directory(dirname(to), "rename", from).visible;
    source.delete(basename(from));
    target.set(basename(to), file);
    this.#changes.push({ number: this.#nextChange++, kind: "rename", file, from, to });
  }

  remove(path: string): void {
    if (this.#directories.has(path)) throw notFound("EISDIR", "unlink", path);
    if (!this.#directories.has(dirname(path)) && this.find(dirname(path)) === undefined) return;
    const { visible } = this.#directory(dirname(path), "unlink", path);
    const file = visible.get(basename(path));
    if (file === undefined) return;
    visible.delete(basename(path));
    this.#changes.push({ number: this.#nextChange++, kind: "removal", file, from: path, to: undefined });
  }

  /** Makes the changes before number `end` in a directory durable, with those that they build upon. */
  sync(path: string, end: number): void {
    this.#directory(path, "open", path);
    const covered = new Set<NameChange>();
    const names = new Set<string>();
    for (const change of this.#changes.toReversed()) {
      if (change.number >= end) continue;
      const paths = [change.from, change.to].filter((one) => one !== undefined);
      if (!paths.some((one) => dirname(one) === path || names.has(one))) continue;
      covered.add(change);
      for (const one of paths) names.add(one);
    }
    const all = this.#changes;
    this.#changes = all.filter((change) => !covered.has(change));
    for (const change of all) if (covered.has(change)) this.#apply(change);
  }

  /** The machine lost its power; tells the kinds of the changes that are gone. */
  crash(policy: CrashPolicy, random: Random): NameChange["kind"][] {
    const changes = this.#changes;
    this.#changes = [];
    const cut = policy === "all" ? changes.length : policy === "prefix" ? random.integer(0, changes.length) : 0;
    const lost: NameChange["kind"][] = [];
    for (const [index, change] of changes.entries()) {
      if (policy === "subset" ? random.next() < 0.5 : index < cut) this.#apply(change);
      else lost.push(change.kind);
    }
    for (const { visible, durable } of this.#directories.values()) {
      visible.clear();
      for (const [name, file] of durable) visible.set(name, file);
    }
    return lost;
  }

  /** The file a path names; undefined when there is none. */
  find(path: string, view: "visible" | "durable" = "visible"): FileImage | undefined {
    return this.#directories.get(dirname(path))?.[view].get(basename(path));
  }

  /** Every file that has a name, once, in the order of the names. */
  files(): Set<FileImage> {
    const paths: [string, FileImage][] = [];
    for (const [directory, { visible }] of this.#directories) {
      for (const [name, file] of visible) paths.push([`${directory}/${name}`, file]);
    }
    return new Set(paths.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file));
  }

  hasDirectory(path: string): boolean {
    return this.#directories.has(path);
  }

  #apply({ file, from, to }: NameChange): void {
    if (from !== undefined) {
      const { durable } = this.#directory(dirname(from), "sync", from);
      // Another file may have that name by now, or this one never reached the medium under it.
      if (durable.get(basename(from)) === file) durable.delete(basename(from));
    }
    if (to !== undefined) this.#directory(dirname(to), "sync", to).durable.set(basename(to), file);
  }

  #directory(path: string, syscall: string, subject: string): Directory {
    const directory = this.#directories.get(path);
    if (directory !== undefined) return directory;
    if (path !== "/" && this.find(path) !== undefined) throw notFound("ENOTDIR", syscall, subject);
    throw notFound("ENOENT", syscall, subject);
  }
}

function notFound(code: "EEXIST" | "EISDIR" | "ENOENT" | "ENOTDIR", syscall: string, path: string): Error {
  return platformError(code, syscall, `'${path}'`);
}
