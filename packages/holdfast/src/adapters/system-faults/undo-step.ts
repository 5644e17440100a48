/** One way of taking a fault back, as data: the journal has it, and the guard. */
export type UndoStep =
  | { readonly undo: "continue"; readonly pid: number; readonly identity: string }
  | { readonly undo: "deleteFiller"; readonly path: string }
  | { readonly undo: "unmount"; readonly path: string }
  | {
      readonly undo: "restoreBytes";
      readonly path: string;
      readonly inode: string;
      readonly bytes: readonly { readonly at: number; readonly before: number; readonly after: number }[];
    }
  | {
      readonly undo: "linkUp";
      readonly namespace: string;
      readonly link: string;
      /** What follows `ip route replace`. */
      readonly routes: readonly (readonly string[])[];
    };

/**
 * Takes it back; does no harm where nothing is left. Needs nothing but itself: the guard runs its text in a process of its
 * own, so it must not use what is imported or stands around it.
 *
 * @throws Error with what the system said
 */
export function takeBack(step: UndoStep): void {
  const fs = process.getBuiltinModule("node:fs");
  const ifThere = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ESRCH") throw error;
      return undefined;
    }
  };
  if (step.undo === "continue") {
    const stat = ifThere(() => fs.readFileSync(`/proc/${step.pid}/stat`, "latin1"));
    if (stat === undefined) return;
    const began = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    // Another process may have the number by now.
    if (`${began}@${boot}` === step.identity) ifThere(() => process.kill(step.pid, "SIGCONT"));
  } else if (step.undo === "deleteFiller") {
    // Nothing else, whatever a journal says.
    if (/\/\.holdfast-filler-[\w.-]+$/.test(step.path)) ifThere(() => fs.unlinkSync(step.path));
  } else if (step.undo === "unmount") {
    const mounts = fs.readFileSync("/proc/self/mounts", "utf8").split("\n");
    // Only what is its own.
    const place = step.path.replaceAll(" ", String.raw`\040`);
    if (!mounts.some((line) => line.startsWith(`holdfast ${place} fuse.holdfast `))) return;
    const { spawnSync } = process.getBuiltinModule("node:child_process");
    const { status, error, stderr } = spawnSync("umount", ["-i", "-c", "-l", step.path], { encoding: "utf8" });
    if (status !== 0) throw new Error(`umount: ${error?.message ?? stderr.trim()}`);
  } else if (step.undo === "restoreBytes") {
    const file = ifThere(() => fs.openSync(step.path, "r+"));
    if (file === undefined) return;
    try {
      // Another file may have the name by now.
      if (String(fs.fstatSync(file).ino) !== step.inode) return;
      const byte = new Uint8Array(1);
      for (const { at, before, after } of step.bytes) {
        // What was written since stays.
        if (fs.readSync(file, byte, 0, 1, at) === 1 && byte[0] === after) {
          fs.writeSync(file, Uint8Array.of(before), 0, 1, at);
        }
      }
      fs.fsyncSync(file);
    } finally {
      fs.closeSync(file);
    }
  } else {
    const { spawnSync } = process.getBuiltinModule("node:child_process");
    const lines = [
      ["link", "set", "dev", step.link, "up"],
      ...step.routes.map((route) => ["route", "replace", ...route]),
    ];
    for (const line of lines) {
      const { status, error, stderr } = spawnSync("ip", ["-n", step.namespace, ...line], { encoding: "utf8" });
      if (status === 0) continue;
      if (/Cannot open network namespace|Cannot find device/.test(stderr ?? "")) return;
      throw new Error(`ip ${line.join(" ")}: ${error?.message ?? stderr.trim()}`);
    }
  }
}
