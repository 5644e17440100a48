import type { Address } from "../runtime/index.ts";
import type { NodeId } from "./entry.ts";
import { formatAddress, isDialable, parseAddress } from "./peer-address.ts";

/**
 * What is known of where peers are. An address may be old, wherever it comes from, so whoever dials tries one after the
 * other: what the peer itself said last, what the configuration says, what this node was started with.
 */
export class PeerBook {
  readonly #given: ReadonlyMap<NodeId, Address>;
  #configured: ReadonlyMap<NodeId, string> = new Map();
  readonly #told = new Map<NodeId, Address>();

  constructor(given: ReadonlyMap<NodeId, Address>) {
    this.#given = given;
  }

  configure(addresses: ReadonlyMap<NodeId, string>): void {
    this.#configured = addresses;
  }

  /** A peer says where it is. */
  tell(peer: NodeId, address: Address): void {
    if (isDialable(address)) this.#told.set(peer, address);
  }

  forget(peer: NodeId): void {
    this.#told.delete(peer);
  }

  /** The address to dial at the given attempt; undefined when none is known. */
  address(peer: NodeId, attempt: number): Address | undefined {
    const known = new Map<string, Address>();
    for (const address of [
      this.#told.get(peer),
      parseAddress(this.#configured.get(peer) ?? ""),
      this.#given.get(peer),
    ]) {
      if (address !== undefined) known.set(formatAddress(address), address);
    }
    const all = [...known.values()];
    return all.length === 0 ? undefined : all[attempt % all.length];
  }
}
