import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { certificatesName } from "../cli/cluster-tls.ts";
import { environmentError } from "../cli/exit.ts";

/** Where a drill keeps what it makes. */
export interface DrillDirectory {
  readonly path: string;
  readonly historyFile: string;
  /** Removes what the drill made; of a directory the user named, nothing else. */
  remove(): void;
}

const maxMembers = 7;
/** Where recovery plans that a drill runs are, and what their steps have done. */
export const plansName = "plans";

/** Where a drill's own PostgreSQL is. */
export const postgresqlName = "postgresql";

/** A new temporary directory, or the given one, which must not hold a cluster already. @throws ExitError (environment) */
export function makeDrillDirectory(given: string | undefined): DrillDirectory {
  const path = given === undefined ? mkdtempSync(join(tmpdir(), "holdfast-drill-")) : resolve(given);
  const historyFile = join(path, "history.jsonl");
  const taken = ["n1", "cluster.json", certificatesName, postgresqlName];
  if (taken.some((name) => existsSync(join(path, name)))) {
    throw environmentError(`${path} holds a cluster already; a drill starts with an empty one: --data DIR`);
  }
  try {
    mkdirSync(path, { recursive: true });
    writeFileSync(historyFile, "");
  } catch (error) {
    throw environmentError(`the data directory ${path} cannot be written: ${(error as Error).message}`, error);
  }
  return {
    path,
    historyFile,
    remove() {
      if (given === undefined) return rmSync(path, { recursive: true, force: true });
      const members = Array.from({ length: maxMembers }, (_, at) => `n${at + 1}`);
      for (const name of ["history.jsonl", certificatesName, plansName, postgresqlName, ...members]) {
        rmSync(join(path, name), { recursive: true, force: true });
      }
    },
  };
}
