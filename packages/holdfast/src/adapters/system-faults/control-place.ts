import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** The variable that names the directory where processes with the preload listen. */
const placeVariable = "HOLDFAST_FAULTS_DIR";

/** The directory of a user's processes, from their environment. */
export function controlDirectory(environment: Readonly<Record<string, string | undefined>>, user: number): string {
  return environment[placeVariable] ?? join(environment["TMPDIR"] || "/tmp", `holdfast-faults-${user}`);
}

/** Where a process listens: its number and when it began, which no other process shares. */
export function controlPath(directory: string, pid: number, identity: string): string {
  return join(directory, `${pid}-${identity.split("@")[0]}`);
}

/**
 * Makes the directory, for its owner alone.
 *
 * @throws Error when it belongs to another
 */
export function makeControlDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const found = lstatSync(directory);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(`${directory} must be a directory of the user's own`);
  }
  if ((found.mode & 0o077) !== 0) chmodSync(directory, 0o700);
  // What was killed could not clear away its own.
  for (const name of readdirSync(directory)) {
    const [, pid] = /^(\d+)-\d+$/.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(directory, name), { force: true });
  }
}

/** To the process: a fault, or the id of one that somebody asks about, or that ends. */
export type ControlRequest =
  | {
      readonly inject: string;
      readonly kind: string;
      readonly parameters: Readonly<Record<string, unknown>>;
      readonly durationMs: number;
    }
  | { readonly look: string }
  | { readonly remove: string };

/** From it: what a fault has come to, or why it could not begin. */
export interface ControlAnswer {
  readonly id: string;
  readonly struck: number;
  /** To whoever looks: the process's time of day. */
  readonly wall?: number;
  readonly error?: string;
}
