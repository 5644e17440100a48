import type { InitialMember } from "holdfast/coordination";
import { usageError } from "./exit.ts";

/**
 * The members that `--cluster` names, with what `--witness` says of them.
 *
 * @throws ExitError (usage)
 */
export function withWitnesses(
  cluster: readonly InitialMember[] | undefined,
  witnesses: readonly string[] | undefined,
  state: "new" | "existing",
): readonly InitialMember[] | undefined {
  if (witnesses === undefined) return cluster;
  if (cluster === undefined || state === "existing") {
    throw usageError(
      "--witness belongs to --cluster of a new cluster: of a running one, its members tell who is a witness",
    );
  }
  const known = cluster.map(({ name }) => name);
  const unknown = witnesses.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw usageError(`--witness must be of --cluster: ${known.join(", ")} (got ${JSON.stringify(unknown)})`);
  }
  if (witnesses.length > cluster.length / 2) {
    throw usageError(`--witness must not be a majority of --cluster (got ${witnesses.length} of ${cluster.length})`);
  }
  return cluster.map((member) => (witnesses.includes(member.name) ? { ...member, isWitness: true } : member));
}
