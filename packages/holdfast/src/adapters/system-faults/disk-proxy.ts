import { spawnSync } from "node:child_process";
import { closeSync, openSync, read, realpathSync, statSync, writeSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { FaultOrder, FaultParameters, LiveTarget } from "../../proof/index.ts";
import { checkFaultParameters, checkKinds, needLinux, type FaultRules } from "./fault-rules.ts";
import { FileFaults, type FileFaultKind } from "./file-faults.ts";
import { readRequest } from "./fuse-message.ts";
import { FuseServer } from "./fuse-server.ts";
import { nodeRules } from "./node-rules.ts";
import { armGuard } from "./undo-guard.ts";
import { takeBack, type UndoStep } from "./undo-step.ts";

export interface DiskProxyOptions {
  /** What faults are aimed at. */
  readonly name: string;
  /** Where the files are. */
  readonly directory: string;
  /** Where programs find them: an empty directory. */
  readonly mount: string;
  /** The kinds that it agrees to. Default all. */
  readonly allow?: readonly FileFaultKind[];
}

/** A directory that can be disturbed: a target for the registry of live faults. */
export interface DiskProxy extends LiveTarget, AsyncDisposable {
  /** Where programs find the files. */
  readonly mount: string;
  /** Takes the mount away; who still uses it gets errors. Idempotent. */
  close(): Promise<void>;
}

const kinds: readonly FileFaultKind[] = ["fullDisk", "slowDisk", "failingSync", "failingDisk"];
/** As long as a timer can be: the guard waits for the end of this process alone. */
const untilTheEndMs = 2 ** 31 - 1_000;
const bufferBytes = 256 * 1024;

/**
 * Shows a directory at another place, where faults can strike what any program does with its files: a disk that is full,
 * slow, or fails. Without faults everything is passed on. Linux, root, FUSE. This process must not use the mount by functions
 * that wait (`…Sync`): it answers them itself. What the kernel has in its cache is read without it.
 *
 * @throws InvalidArgumentError on an option that breaks its rule; Error where it may not be mounted
 * @example
 * const disk = await diskProxy({ name: "data", directory: "/srv/data", mount: "/mnt/data" });
 * const faults = faultRegistry({ clock: nodeRuntime().clock, targets: [disk] });
 * await faults.inject({ target: "data", kind: "failingSync", durationMs: 5_000 });
 */
export async function diskProxy(options: DiskProxyOptions): Promise<DiskProxy> {
  checkOptionNames("diskProxy", options, ["name", "directory", "mount", "allow"]);
  needLinux("diskProxy");
  for (const name of ["directory", "mount"] as const) {
    if (statSync(options[name], { throwIfNoEntry: false })?.isDirectory() === true) continue;
    throw new InvalidArgumentError(`diskProxy.${name}`, "must be a directory", options[name]);
  }
  const allow = checkKinds("diskProxy.allow", options.allow ?? kinds, kinds);
  const directory = realpathSync(options.directory);
  const mount = resolve(options.mount);
  if (`${directory}${sep}`.startsWith(`${realpathSync(mount)}${sep}`)) {
    throw new InvalidArgumentError("diskProxy.mount", "must not lie above the directory", options.mount);
  }
  const step: UndoStep = { undo: "unmount", path: mount };
  const disarm = await armGuard(step, untilTheEndMs);
  const faults = new FileFaults();
  try {
    void serve(mountFuse(mount), new FuseServer(directory, faults));
  } catch (error) {
    disarm();
    throw error;
  }
  return new MountedProxy(options.name, allow, { directory, mount, faults, disarm });
}

function mountFuse(path: string): number {
  const device = openSync("/dev/fuse", "r+");
  const options = "fd=3,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions";
  const line = ["-i", "-t", "fuse.holdfast", "-o", options, "holdfast", path];
  const { status, error, stderr } = spawnSync("mount", line, {
    stdio: ["ignore", "ignore", "pipe", device],
    encoding: "utf8",
  });
  if (status === 0) return device;
  closeSync(device);
  throw new Error(`mount: ${error?.message ?? stderr.trim()}`);
}

const nextRead = promisify(read);
/** A request was taken back before it was read, or there is none yet. */
const readAgain: readonly (string | undefined)[] = ["EINTR", "EAGAIN", "ENOENT"];

/** Answers requests, many at once, until nothing is mounted any more. */
async function serve(device: number, server: FuseServer): Promise<void> {
  for (;;) {
    const buffer = Buffer.alloc(bufferBytes);
    try {
      const { bytesRead } = await nextRead(device, buffer, 0, buffer.length, null);
      void answer(device, server, buffer.subarray(0, bytesRead));
    } catch (error) {
      if (readAgain.includes((error as NodeJS.ErrnoException).code)) continue;
      closeSync(device);
      return;
    }
  }
}

async function answer(device: number, server: FuseServer, request: Buffer): Promise<void> {
  const answered = await server.answer(readRequest(request));
  try {
    if (answered !== undefined) writeSync(device, answered);
  } catch {
    // Who asked was interrupted, or the mount is gone.
  }
}

interface Parts {
  readonly directory: string;
  readonly mount: string;
  readonly faults: FileFaults;
  readonly disarm: () => void;
}

class MountedProxy implements DiskProxy {
  readonly name: string;
  readonly kinds: readonly FileFaultKind[];
  readonly #parts: Parts;
  readonly #unmount: () => void;
  #closing: Promise<void> | undefined;

  constructor(name: string, allow: readonly FileFaultKind[], parts: Parts) {
    this.name = name;
    this.kinds = allow;
    this.#parts = parts;
    this.#unmount = () => takeBack({ undo: "unmount", path: parts.mount });
    // The thread that waits for requests would keep the process from ending.
    process.once("exit", this.#unmount);
  }

  get mount(): string {
    return this.#parts.mount;
  }

  optedIn(): boolean {
    return this.#closing === undefined;
  }

  check(kind: string, parameters: FaultParameters): FaultParameters {
    return checkFaultParameters(rules[kind as FileFaultKind], { path: "/", ...parameters });
  }

  inject({ id, kind, parameters }: FaultOrder): void {
    const path = join(this.#parts.directory, join("/", String(parameters["path"])));
    this.#parts.faults.add(id, kind as FileFaultKind, { ...parameters, path });
  }

  remove({ id }: FaultOrder): void {
    this.#parts.faults.remove(id);
  }

  struck(id: string): number {
    return this.#parts.faults.struck(id);
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    process.removeListener("exit", this.#unmount);
    this.#unmount();
    this.#parts.disarm();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Those of a Node process; a path begins at the mount. */
const rules: FaultRules<FileFaultKind> = nodeRules;
