import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Builds the page as it is now: what the tests look at is what users get. */
export function setup(): void {
  const directory = join(import.meta.dirname, "..", "..", "packages", "dashboard");
  for (const mode of [[], ["--mode", "recording"]]) {
    const { status } = spawnSync("vite", ["build", ...mode], {
      cwd: directory,
      stdio: ["ignore", "ignore", "inherit"],
    });
    if (status !== 0) throw new Error("the dashboard's page cannot be built");
  }
}
