import { decodeConfiguration } from "./configuration-codec.ts";
import { membersOf, type Configuration } from "./configuration.ts";
import { decidersOf } from "./deciders.ts";
import type { Entry, NodeId } from "./entry.ts";
import { createProgress } from "./progress.ts";
import type { Raft } from "./raft.ts";

/** A configuration and the entry that brought it; a snapshot's stands at the snapshot's index. */
export interface AdoptedConfiguration {
  readonly index: number;
  readonly configuration: Configuration;
}

/**
 * The configurations of a log: the snapshot's, then each entry's. The last one counts from when it is in the log, not
 * from when it is committed (Ongaro's dissertation, section 4.1).
 *
 * @throws MalformedError
 */
export function configurationsIn(start: AdoptedConfiguration, entries: readonly Entry[]): AdoptedConfiguration[] {
  const found = entries.filter(({ kind }) => kind === "configuration");
  return [start, ...found.map(({ index, data }) => ({ index, configuration: decodeConfiguration(data) }))];
}

/** Takes over what entries just appended bring. */
export function adoptAppended(raft: Raft, entries: readonly Entry[]): void {
  for (const entry of entries) {
    if (entry.kind !== "configuration") continue;
    raft.configurations.push({ index: entry.index, configuration: decodeConfiguration(entry.data) });
    useLatest(raft);
  }
}

/** The log was cut off before `index`: what later entries brought was never decided. */
export function rollBackConfigurations(raft: Raft, index: number): void {
  if (raft.plant === "configuration-not-rolled-back") return;
  const { configurations } = raft;
  const held = configurations.length;
  while (configurations.length > 1 && configurations.at(-1)!.index >= index) configurations.pop();
  if (configurations.length < held) useLatest(raft);
}

/** A snapshot replaces the log, and with it the history. */
export function restartConfigurations(raft: Raft, index: number, configuration: Configuration): void {
  raft.configurations = [{ index, configuration }];
  raft.configurationCommitted = index;
  useLatest(raft);
}

/** Forgets configurations that no position still in the log has. */
export function trimConfigurations(raft: Raft): void {
  const { configurations, log } = raft;
  while (configurations.length > 1 && configurations[1]!.index <= log.baseIndex) configurations.shift();
}

/** The configuration as of a position of the log, which is not before its base. */
export function configurationAt(raft: Raft, index: number): Configuration {
  return raft.configurations.findLast((adopted) => adopted.index <= index)!.configuration;
}

function useLatest(raft: Raft): void {
  const { index, configuration } = raft.configurations.at(-1)!;
  raft.configuration = configuration;
  Object.assign(raft, decidersOf(configuration, raft.id, raft.plant));
  raft.effects.facts.push({ type: "configurationChanged", index, configuration, committed: index <= raft.commit });
  if (raft.role === "leader") followMembers(raft);
}

/** Begins to send to new members. To those that go it sends until they can know that they have gone. */
function followMembers(raft: Raft): void {
  for (const id of others(raft)) {
    if (!raft.progress.has(id)) raft.progress.set(id, createProgress(raft.log.lastIndex + 1, raft.now));
  }
}

/** All members but this node. */
export function others(raft: Raft): NodeId[] {
  return membersOf(raft.configuration).filter((id) => id !== raft.id);
}
