import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");

/** Builds the page as it is now: what the tests look at is what users get. */
export function setup(): void {
  const args = ["run", "--silent", "build", "--workspace", "@holdfast/dashboard"];
  const { status } = spawnSync("npm", args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error("the dashboard's page cannot be built");
}
