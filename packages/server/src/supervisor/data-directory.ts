import { accessSync, constants, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentError } from "../cli/exit.ts";
import { describeCause } from "../client/gateway-error.ts";
import { firstLayout, layoutText, readLayout, type ClusterLayout } from "./cluster-layout.ts";
import type { ClusterPlan } from "./cluster-plan.ts";

const fileName = "cluster.json";

/**
 * Makes a cluster's data directory, or checks that the one that is there holds a cluster of as many members: members
 * added or left out would not find each other. Gives who they are.
 *
 * @throws ExitError (environment)
 */
export function prepareDataDirectory(
  plan: Pick<ClusterPlan, "clusterName" | "directory" | "members" | "hasWitness">,
): ClusterLayout {
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
  if (present === undefined) {
    const kind = plan.hasWitness === true ? { hasWitness: true } : {};
    const layout = { ...firstLayout(plan.clusterName, plan.members.length), ...kind };
    keepLayout(directory, layout);
    return layout;
  }
  const held = readLayout(present);
  if (held === undefined) {
    throw environmentError(`${file} is not a Holdfast cluster's description; name another directory: --data DIR`);
  }
  if (held.founders !== plan.members.length) {
    throw environmentError(
      `${directory} holds a cluster of ${held.founders} members (${held.members.map(({ name }) => name).join(", ")}); ` +
        `start it with --nodes ${held.founders}, or name another directory: --data DIR`,
    );
  }
  if ((held.hasWitness ?? false) !== (plan.hasWitness ?? false)) {
    const said = held.hasWitness === true ? "with a witness; start it with --witness" : "without a witness";
    throw environmentError(`${directory} holds a cluster ${said}, or name another directory: --data DIR`);
  }
  return held;
}

/** Writes down who the members are, the old text or the new one and nothing between. */
export function keepLayout(directory: string, layout: ClusterLayout): void {
  const file = join(directory, fileName);
  writeFileSync(`${file}.new`, layoutText(layout), { flush: true });
  renameSync(`${file}.new`, file);
}

/** Whether nothing is left of what a member has written. */
export function isEmptyDirectory(directory: string): boolean {
  try {
    return readdirSync(directory).length === 0;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ENOTDIR";
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
