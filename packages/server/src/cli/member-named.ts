import type { InitialMember } from "holdfast/coordination";
import { usageError } from "./exit.ts";

/** @throws ExitError (usage) when the cluster has no such member */
export function memberNamed(name: string, cluster: readonly InitialMember[], whose: string): InitialMember {
  const found = cluster.find((member) => member.name === name);
  if (found !== undefined) return found;
  const names = cluster.map((member) => member.name).join(", ");
  throw usageError(`--name must be one of ${whose}: ${names} (got ${JSON.stringify(name)})`);
}
