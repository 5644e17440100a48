import { AsyncLocalStorage } from "node:async_hooks";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { constants } from "node:os";
import type { FileFaults, FileOperation, FileVerdict } from "./file-faults.ts";

type Call = (this: unknown, ...args: unknown[]) => unknown;
type Functions = Record<string, Call>;

const realSetTimeout = globalThis.setTimeout;

/** `fs` itself calls some of its functions for others: what is under way in these has been asked about. */
const nested = { depth: 0 };
const asked = new AsyncLocalStorage<boolean>();

/** By name: what they do, as functions with a callback and with `Sync`. */
const ofNumbers: Readonly<Record<string, FileOperation>> = {
  read: "read",
  readv: "read",
  write: "write",
  writev: "write",
  fsync: "sync",
  fdatasync: "sync",
  readFile: "read",
  writeFile: "write",
  appendFile: "write",
};
const ofHandles: Readonly<Record<string, FileOperation>> = {
  read: "read",
  readv: "read",
  readFile: "read",
  write: "write",
  writev: "write",
  writeFile: "write",
  appendFile: "write",
  sync: "sync",
  datasync: "sync",
};
const ofPaths: Readonly<Record<string, FileOperation>> = { readFile: "read", writeFile: "write", appendFile: "write" };

/**
 * Has `node:fs` ask what goes wrong before each operation on files. Without faults the originals are called at once. Modules
 * that are imported go past this.
 */
export async function patchFiles(faults: FileFaults): Promise<void> {
  const handle = await fs.promises.open("/dev/null", "r");
  const handles = Object.getPrototypeOf(handle) as Functions;
  await handle.close();
  const functions = fs as unknown as Functions;
  for (const [name, operation] of Object.entries(ofNumbers)) {
    patch(
      functions,
      `${name}Sync`,
      (real) =>
        function sync(this: unknown, ...args) {
          if (faults.isEmpty || nested.depth > 0) return real.apply(this, args);
          obeySync(faults.consult(operation, fileOf(args[0]), bytesOf(name, args)), name);
          nested.depth++;
          try {
            return real.apply(this, args);
          } finally {
            nested.depth--;
          }
        },
    );
    patch(
      functions,
      name,
      (real) =>
        function withCallback(this: unknown, ...args) {
          const callback = args.at(-1);
          // Of these, the callback forms write through `write`, which asks.
          const asksLater = name === "writeFile" || name === "appendFile";
          if (faults.isEmpty || asksLater || typeof callback !== "function") return real.apply(this, args);
          const verdict = faults.consult(operation, fileOf(args[0]), bytesOf(name, args));
          if (verdict === undefined) return real.apply(this, args);
          realSetTimeout(() => {
            if (verdict.failure === undefined) real.apply(this, args);
            else callback(failureOf(verdict.failure, name));
          }, verdict.delayMs);
          return undefined;
        },
    );
  }
  for (const [name, operation] of Object.entries(ofHandles)) {
    patch(handles, name, (real) => promised(real, faults, operation, name, (handle, args) => [handle, ...args]));
  }
  for (const [name, operation] of Object.entries(ofPaths)) {
    const promises = fs.promises as unknown as Functions;
    patch(promises, name, (real) => promised(real, faults, operation, name, (_, args) => args));
  }
  syncBuiltinESMExports();
}

function patch(owner: Functions, name: string, make: (real: Call) => Call): void {
  const real = owner[name];
  // Other versions of Node may not have it.
  if (real === undefined) return;
  const made = make(real);
  // `promisify` finds what it looks for on functions with more than one result.
  Object.defineProperties(made, Object.getOwnPropertyDescriptors(real));
  Object.defineProperty(owner, name, { value: made, writable: true, configurable: true, enumerable: true });
}

function promised(
  real: Call,
  faults: FileFaults,
  operation: FileOperation,
  name: string,
  /** What it is called with, the file first. */
  whole: (self: unknown, args: readonly unknown[]) => readonly unknown[],
): Call {
  return function asPromise(this: unknown, ...args) {
    if (faults.isEmpty || asked.getStore() === true) return real.apply(this, args);
    const given = whole(this, args);
    const verdict = faults.consult(operation, fileOf(given[0]), bytesOf(name, given));
    const work = (): unknown => asked.run(true, () => real.apply(this, args));
    if (verdict === undefined) return work();
    return new Promise((resolve) => realSetTimeout(resolve, verdict.delayMs)).then(() => {
      if (verdict.failure !== undefined) throw failureOf(verdict.failure, name);
      return work();
    });
  };
}

function obeySync(verdict: FileVerdict | undefined, name: string): void {
  if (verdict === undefined) return;
  if (verdict.delayMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, verdict.delayMs);
  if (verdict.failure !== undefined) throw failureOf(verdict.failure, name);
}

/** The number of an open file, or its path. */
function fileOf(file: unknown): unknown {
  const { fd } = (typeof file === "object" && file !== null ? file : {}) as { readonly fd?: unknown };
  return typeof fd === "number" ? fd : file;
}

function bytesOf(name: string, [, data, , length]: readonly unknown[]): number {
  if (name === "writev") {
    return (data as readonly NodeJS.ArrayBufferView[]).reduce((sum, { byteLength }) => sum + byteLength, 0);
  }
  if (typeof data === "string") return Buffer.byteLength(data);
  if (!ArrayBuffer.isView(data)) return 0;
  return name === "write" && typeof length === "number" ? length : data.byteLength;
}

const texts = { ENOSPC: "no space left on device", EIO: "i/o error" } as const;

/** As Node reports what the system refused. */
function failureOf(failure: keyof typeof texts, name: string): Error {
  const syscall = name === "datasync" || name === "sync" ? `f${name}` : name;
  const error = new Error(`${failure}: ${texts[failure]}, ${syscall}`);
  return Object.assign(error, { errno: -constants.errno[failure], code: failure, syscall });
}
