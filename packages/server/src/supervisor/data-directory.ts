import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentError } from "../cli/exit.ts";
import { describeCause } from "../client/gateway-error.ts";
import type { ClusterPlan } from "./cluster-plan.ts";

const fileName = "cluster.json";

/**
 * Makes a cluster's data directory, or checks that the one that is there holds a cluster of the same members: members
 * added or left out would not find each other.
 *
 * @throws ExitError (environment)
 */
export function prepareDataDirectory(plan: ClusterPlan): void {
  const { directory } = plan;
  const file = join(directory, fileName);
  let present: string | undefined;
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK | constants.X_OK);
    present = readIfThere(file);
  } catch (error) {
    throw environmentError(
      `the data directory ${directory} cannot be written: ${describeCause(error as Error)}; name another one: --data DIR`,
      error,
    );
  }
  const names = plan.members.map((member) => member.name);
  if (present === undefined) {
    writeFileSync(file, `${JSON.stringify({ clusterName: plan.clusterName, members: names })}\n`);
    return;
  }
  const held = readMembers(present);
  if (held === undefined) {
    throw environmentError(`${file} is not a Holdfast cluster's description; name another directory: --data DIR`);
  }
  if (held.join() !== names.join()) {
    throw environmentError(
      `${directory} holds a cluster of ${held.length} members (${held.join(", ")}); ` +
        `start it with --nodes ${held.length}, or name another directory: --data DIR`,
    );
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function readMembers(text: string): readonly string[] | undefined {
  try {
    const { members } = JSON.parse(text) as { members?: unknown };
    return Array.isArray(members) ? members.map(String) : undefined;
  } catch {
    return undefined;
  }
}
