import { randomUUID } from "node:crypto";
import { link, readdir, readFile, realpath, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, platformError } from "./platform-error.ts";
import type { DirectoryLock } from "./runtime.ts";

/** Who holds a lock: a process is known by its number and its start, because numbers are used again. */
interface Holder {
  readonly pid: number;
  /** When the process started, as the system tells it (boot and clock tick), or as well as the process knows. */
  readonly started: string;
}

const lockFile = /^LOCK\.([1-9]\d{0,14})$/;

/**
 * Takes `directory` for this process, until it releases it or ends. It keeps apart the processes of one machine that
 * see each other; those of other machines or containers on a shared file system it does not.
 *
 * The directory holds one file `LOCK.<generation>` naming its holder; the highest generation counts. Who finds the
 * holder gone (or the lock released) claims the next generation with a link, which exactly one process can make, and
 * then looks once more: had others claimed and cleaned up meanwhile, a higher generation would be there, or the one
 * that was found would be gone (cleaning up goes from the lowest upwards), and the claim is void. No lock is ever
 * removed on the strength of an old look at it, so a slow taker cannot undo what a fast one has.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const root = await realpath(directory);
  const self: Holder = { pid: process.pid, started: (await startOf(process.pid)) ?? "unknown" };
  const draft = join(root, `.LOCK.${self.pid}.${randomUUID()}`);
  try {
    // In here, because a full disk leaves a draft without content.
    await writeFile(draft, JSON.stringify(self), { mode: 0o600 });
    for (;;) {
      const current = await highestGeneration(root);
      const holder = current === 0 ? undefined : await holderOf(root, current);
      if (holder !== undefined && (await isAlive(holder))) {
        const detail = `directory is locked by process ${holder.pid}`;
        throw platformError("ELOCKED", "lock", `'${directory}'`, detail);
      }
      if (!(await claimGeneration(root, draft, current + 1))) continue;
      await removeOlder(root, current + 1);
      return directoryLock(root, current + 1);
    }
  } finally {
    await removeIfThere(draft);
  }
}

/** Makes `draft` the lock of a generation, unless others were faster; `root` may have changed since it was read. */
export async function claimGeneration(root: string, draft: string, generation: number): Promise<boolean> {
  const claimed = join(root, `LOCK.${generation}`);
  try {
    await link(draft, claimed);
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
  if (await isLatest(root, generation)) return true;
  await removeIfThere(claimed);
  return false;
}

function directoryLock(root: string, generation: number): DirectoryLock {
  let released: Promise<void> | undefined;
  return {
    release() {
      released ??= (async () => {
        // The file stays, empty: its number must never be given twice.
        const empty = join(root, `.LOCK.${process.pid}.${randomUUID()}`);
        await writeFile(empty, "", { mode: 0o600 });
        await rename(empty, join(root, `LOCK.${generation}`));
      })();
      return released;
    },
  };
}

async function generations(root: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir(root)) {
    const generation = lockFile.exec(name)?.[1];
    if (generation !== undefined) found.push(Number(generation));
  }
  return found;
}

async function highestGeneration(root: string): Promise<number> {
  return Math.max(0, ...(await generations(root)));
}

async function isLatest(root: string, generation: number): Promise<boolean> {
  const found = await generations(root);
  return Math.max(...found) === generation && (generation === 1 || found.includes(generation - 1));
}

async function removeOlder(root: string, generation: number): Promise<void> {
  for (const older of (await generations(root)).sort((a, b) => a - b)) {
    if (older < generation) await removeIfThere(join(root, `LOCK.${older}`));
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

/** The holder a lock file names; undefined when it was released, or has gone because a later one replaced it. */
async function holderOf(root: string, generation: number): Promise<Holder | undefined> {
  let text: string;
  try {
    text = await readFile(join(root, `LOCK.${generation}`), "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  if (text === "") return undefined;
  try {
    const { pid, started } = JSON.parse(text) as Partial<Holder>;
    if (Number.isSafeInteger(pid) && typeof started === "string") return { pid: pid as number, started };
  } catch {
    // Falls through: only a whole file is ever linked, so one that does not parse lost its bytes with the machine.
  }
  return undefined;
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it is there, and belongs to somebody else.
    if (codeOf(error) === "ESRCH") return false;
  }
  const started = await startOf(holder.pid);
  return started === undefined || started === holder.started;
}

/** When a process started, if that can be known: Linux tells, unless it hides others; elsewhere only the own start. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const [status, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    ]);
    // Field 22; the second one, the name in parentheses, may itself hold spaces and parentheses.
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    return `${boot.trim()}:${fields[19]}`;
  } catch {
    return pid === process.pid ? `origin:${Math.round(performance.timeOrigin)}` : undefined;
  }
}
