import { readdirSync, readFileSync } from "node:fs";

/**
 * Whether anything of a process group whose first process has ended still runs. What has ended and was collected by nobody
 * does not count: where the machine's first process collects nothing, in some containers, it stays for ever.
 */
export function groupIsAlive(group: number): boolean {
  let names: readonly string[];
  try {
    names = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return true;
  }
  // Without such a list (macOS), a signal could be sent to it: that is all that is known.
  return names.length === 0 || names.some((name) => isLiving(name, group));
}

function isLiving(pid: string, group: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The program's name, in parentheses, may hold parentheses and spaces itself.
    const [state, , its] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(its) === group && state !== "Z" && state !== "X";
  } catch {
    return false;
  }
}
