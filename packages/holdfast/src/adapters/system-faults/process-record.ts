import { readFileSync, statSync } from "node:fs";

/** A process as `/proc` shows it. */
export interface ProcessRecord {
  readonly pid: number;
  /** When it began, and in which run of the machine: another process that gets the number later has another one. */
  readonly identity: string;
  /** Some thread of it stands still for a signal. */
  readonly isStopped: boolean;
}

/** What runs under a number now; undefined when nothing does, also where only its exit status is left. */
export function processRecord(pid: number): ProcessRecord | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The program's name, in parentheses, may hold parentheses and spaces itself.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = ""] = fields;
  if (state === "Z" || state === "X") return undefined;
  return { pid, identity: `${fields[19]}@${bootId()}`, isStopped: state === "T" || state === "t" };
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
}

/** The environment with which a process was started; empty where it may not be read. */
export function processEnvironment(pid: number): Readonly<Record<string, string>> {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return {};
  }
  const pairs = text.split("\0").map((line): [string, string] => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}

/** Who runs a process. */
export function processOwner(pid: number): number | undefined {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
}
