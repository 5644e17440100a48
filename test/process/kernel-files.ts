import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { classify } from "holdfast/errors";
import { mountRefusing } from "./refusing-file-system.ts";

/**
 * A program for mounts of its own (`unshare --mount`): it meets errors of file systems, and prints each as a line of JSON
 * with the row of the table it is meant for.
 */
const directory = mkdtempSync(join(tmpdir(), "holdfast-mounts-"));

async function print(row: string, met: Promise<unknown>): Promise<void> {
  const error = await met.then(
    () => "nothing failed",
    (problem: unknown) => problem,
  );
  console.log(JSON.stringify({ row, failure: classify(error) }));
}

function mount(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("mount", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

const readOnly = join(directory, "read-only");
mkdirSync(readOnly);
mount("--bind", readOnly, readOnly);
mount("-o", "remount,bind,ro", readOnly);
await print("EROFS", writeFile(join(readOnly, "file"), "x"));

const refusing = join(directory, "refusing");
mkdirSync(refusing);
const mounted = mountRefusing(refusing);
for (const row of ["EDQUOT", "ENETDOWN", "ENFILE"]) await print(row, readFile(join(refusing, row)));

// In a process of its own: SQLite waits for its locks without letting this one answer.
const script = `
  import { DatabaseSync } from "node:sqlite";
  import { classify } from "holdfast/errors";
  try { new DatabaseSync(process.argv[1]).exec("select * from sqlite_schema"); } catch (error) {
    console.log(JSON.stringify({ row: "SQLITE_PERM", failure: classify(error) }));
  }`;
const args = ["--conditions=source", "--input-type=module", "-e", script, join(refusing, "unlockable")];
const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname });
process.stdout.write(stdout);

await mounted.unmount();
spawnSync("umount", [readOnly]);
rmdirSync(refusing);
rmdirSync(readOnly);
rmdirSync(directory);
