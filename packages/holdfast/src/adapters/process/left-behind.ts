import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

interface Left {
  readonly pid: number;
  readonly identity: string;
}

const lookEveryMs = 20;
const uncollectedMs = 1_000;

/**
 * Which processes run for the services of a supervisor, in a directory: should it be killed, the next one ends them before
 * it starts its own, so that nothing runs twice. Linux, whose `/proc` tells a process from another one of its number.
 */
export class LeftBehind {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  note(service: string, pid: number): void {
    const identity = identityOf(pid);
    if (identity === undefined) return;
    const file = this.#fileOf(service);
    writeFileSync(`${file}.new`, JSON.stringify({ pid, identity } satisfies Left));
    renameSync(`${file}.new`, file);
  }

  forget(service: string): void {
    rmSync(this.#fileOf(service), { force: true });
  }

  /** Ends what an earlier supervisor has left, and gives its number. */
  async end(service: string, graceMs: number): Promise<number | undefined> {
    const left = this.#read(service);
    if (left === undefined || identityOf(left.pid) !== left.identity) return undefined;
    const isThere = (): boolean => identityOf(left.pid) === left.identity;
    const endMs = performance.now() + graceMs;
    signalGroup(left.pid, "SIGTERM");
    while (isThere() && performance.now() < endMs) await delay(lookEveryMs);
    // Also what it has started itself and outlives it.
    signalGroup(left.pid, "SIGKILL");
    while (isThere() && performance.now() < endMs + uncollectedMs) await delay(lookEveryMs);
    this.forget(service);
    return left.pid;
  }

  #fileOf(service: string): string {
    return join(this.#directory, `${service}.json`);
  }

  #read(service: string): Left | undefined {
    try {
      const { pid, identity } = JSON.parse(readFileSync(this.#fileOf(service), "utf8")) as Partial<Left>;
      return Number.isInteger(pid) && pid! > 1 && typeof identity === "string" ? { pid: pid!, identity } : undefined;
    } catch {
      return undefined;
    }
  }
}

/** When it began, in which run of the machine; undefined where nothing runs, or only its exit status is left. */
function identityOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The program's name, in parentheses, may hold parentheses and spaces itself.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return `${fields[19]}@${readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()}`;
  } catch {
    return undefined;
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has gone.
  }
}
