import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { checkInteger, checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { checkNetworkFault, type FaultOrder, type FaultParameters, type LiveTarget } from "../../proof/index.ts";
import { nft, NftFailure } from "./nft-command.ts";
import { countPackets, nftTable, packetFilterKinds, type PacketFilterKind, type PacketPeer } from "./nft-rules.ts";

export interface PacketFilterOptions {
  /** What faults are aimed at: 1 to 64 letters, digits, `_`, `.` and `-`. */
  readonly name: string;
  /** Whose packets are struck: an IP address, and its port unless all are meant. `up` leads there. */
  readonly peer: { readonly host: string; readonly port?: number };
  /** Default `tcp`. */
  readonly protocol?: "tcp" | "udp";
  /** The network namespace in which it filters. Default the process's own. */
  readonly namespace?: string;
  /** The kinds that it agrees to. Default: all of its protocol. */
  readonly allow?: readonly PacketFilterKind[];
}

/** What has to be known to take a fault back. */
interface Undo {
  readonly table: string;
  readonly namespace: string | null;
}

const maxCounts = 1_000;

/**
 * Packets between this machine and one peer, as a target of live faults: dropped, limited or answered with resets by the
 * kernel (`nft`, as root on Linux), each fault in a table of its own. Unlike a proxy it needs no change of addresses and
 * makes connecting hang. Its faults outlive the process, but not their time: the kernel ends them too. With a journal, the
 * next start takes them back before.
 *
 * @throws InvalidArgumentError on an option that breaks its rule
 * @example
 * const filter = packetFilter({ name: "database", peer: { host: "10.0.0.7", port: 5432 } });
 * const journal = await diskFaultJournal({ disk: nodeRuntime().disk, directory: "/var/lib/faults" });
 * const faults = faultRegistry({ clock: nodeRuntime().clock, targets: [filter], journal });
 * await faults.inject({ target: "database", kind: "partition", durationMs: 10_000 });
 */
export function packetFilter(options: PacketFilterOptions): LiveTarget {
  checkOptionNames("packetFilter", options, ["name", "peer", "protocol", "namespace", "allow"]);
  const { name, peer, namespace } = options;
  checkOptionNames("packetFilter.peer", peer, ["host", "port"]);
  const version = isIP(peer.host);
  if (version === 0) throw new InvalidArgumentError("packetFilter.peer.host", "must be an IP address", peer.host);
  if (peer.port !== undefined) checkInteger("packetFilter.peer.port", peer.port, 1, 65_535);
  if (namespace !== undefined && !/^[\w.-]{1,64}$/.test(namespace)) {
    throw new InvalidArgumentError("packetFilter.namespace", "must be the name of a namespace", namespace);
  }
  const protocol = checkOneOf("packetFilter.protocol", options.protocol ?? "tcp", ["tcp", "udp"]);
  const kinds = packetFilterKinds.filter((kind) => protocol === "tcp" || (kind !== "reset" && kind !== "down"));
  const allow = options.allow ?? kinds;
  for (const [at, kind] of allow.entries()) checkOneOf(`packetFilter.allow[${at}]`, kind, kinds);
  return new PacketFilter(name, allow, { ...peer, family: version === 6 ? "ip6" : "ip", protocol }, namespace);
}

class PacketFilter implements LiveTarget {
  readonly name: string;
  readonly kinds: readonly PacketFilterKind[];
  readonly #peer: PacketPeer;
  readonly #namespace: string | undefined;
  /** Of faults that have ended, the latest. */
  readonly #counts = new Map<string, number>();

  constructor(name: string, kinds: readonly PacketFilterKind[], peer: PacketPeer, namespace: string | undefined) {
    this.name = name;
    this.kinds = kinds;
    this.#peer = peer;
    this.#namespace = namespace;
  }

  optedIn(): boolean {
    return true;
  }

  /** The parameters of the proxy's kinds, but for what needs a proxy. */
  check(kind: string, parameters: FaultParameters): FaultParameters {
    for (const name of ["toxicity", "afterMs"]) {
      if (Object.hasOwn(parameters, name)) {
        throw new InvalidArgumentError(
          `parameters.${name}`,
          "is nothing that a packet filter can do",
          parameters[name],
        );
      }
    }
    const { toxicity: _, afterMs: __, ...checked } = checkNetworkFault(kind as PacketFilterKind, parameters);
    return checked;
  }

  prepare({ id }: FaultOrder): Undo {
    const digest = createHash("sha256").update(`${this.name}/${id}`).digest("hex").slice(0, 24);
    return { table: `holdfast_${digest}`, namespace: this.#namespace ?? null };
  }

  async inject({ kind, parameters, durationMs }: FaultOrder, undo: unknown): Promise<void> {
    const { table, namespace } = undo as Undo;
    const rules = nftTable(table, this.#peer, kind as PacketFilterKind, parameters, durationMs);
    await nft(["-f", "-"], namespace ?? undefined, rules);
  }

  async remove({ id }: FaultOrder, undo: unknown): Promise<void> {
    const { table, namespace } = undo as Undo;
    try {
      const listed = await nft(["-j", "list", "table", "inet", table], namespace ?? undefined);
      await nft(["delete", "table", "inet", table], namespace ?? undefined);
      this.#remember(id, countPackets(listed));
    } catch (error) {
      if (!(error instanceof NftFailure && error.isGone)) throw error;
    }
  }

  /** Packets; known when the fault has ended. */
  struck(id: string): number | undefined {
    return this.#counts.get(id);
  }

  #remember(id: string, packets: number): void {
    this.#counts.delete(id);
    this.#counts.set(id, packets);
    for (const oldest of this.#counts.keys()) {
      if (this.#counts.size <= maxCounts) return;
      this.#counts.delete(oldest);
    }
  }
}
