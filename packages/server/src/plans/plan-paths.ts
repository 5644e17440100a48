import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { environmentError } from "../cli/exit.ts";

/** The files of plans: those that are named, and those in directories that are named, in the order of their names. */
export function planPaths(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    try {
      if (!statSync(path).isDirectory()) return [path];
      const names = readdirSync(path).filter((name) => /\.(?:ya?ml|json)$/.test(name) && !name.startsWith("."));
      return names.toSorted().map((name) => join(path, name));
    } catch (error) {
      throw environmentError(`${path} cannot be read: ${(error as Error).message}`, error);
    }
  });
}
