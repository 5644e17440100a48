import { membersOf, type Configuration } from "./configuration.ts";
import type { NodeId } from "./entry.ts";
import type { Raft } from "./raft.ts";

/** More members than a cluster sees removed in the life of a process. */
const maxRemembered = 1_000;

/** Whom a node must be able to reach: everybody in a configuration that counts or may come to count again. */
export class PeerList {
  readonly #raft: Raft;
  readonly #removed = new Set<NodeId>();
  #committed: Configuration;

  constructor(raft: Raft) {
    this.#raft = raft;
    this.#committed = raft.configurations[0]!.configuration;
  }

  /** Those that were members as of a committed configuration and are not as of a later one. */
  get removed(): ReadonlySet<NodeId> {
    return this.#removed;
  }

  /** Addresses by id; empty where the configuration has none. */
  get peers(): ReadonlyMap<NodeId, string> {
    const { configurations, configurationCommitted } = this.#raft;
    const peers = new Map<NodeId, string>();
    for (const { index, configuration } of configurations) {
      // What is not committed can be taken back, and then the one before it counts.
      if (index < configurationCommitted) continue;
      for (const id of membersOf(configuration)) peers.set(id, configuration.addresses.get(id) ?? "");
    }
    return peers;
  }

  commit(configuration: Configuration): void {
    const members = new Set(membersOf(configuration));
    for (const id of membersOf(this.#committed)) if (!members.has(id)) this.#removed.add(id);
    this.#committed = configuration;
    for (const id of members) this.#removed.delete(id);
    for (const id of this.#removed) {
      if (this.#removed.size <= maxRemembered) break;
      this.#removed.delete(id);
    }
  }
}
