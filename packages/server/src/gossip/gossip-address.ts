import type { Address } from "holdfast/runtime";
import { usageError } from "../cli/exit.ts";

/** From a member's peer port to its gossip port, where nothing else is said: 2382 for 2380. */
export const gossipPortOffset = 2;

const wildcards: readonly string[] = ["0.0.0.0", "::", "*"];

export interface GossipPlaces {
  /** What the sockets are bound to. */
  readonly listen: Address;
  /** Where the others send to. */
  readonly host: string;
}

/**
 * Where a node listens for gossip, and which address it gives to the others: that of `--gossip`, or where it names none
 * of its own, the one under which its peers know this member.
 *
 * @throws ExitError (usage) when there is no such port, or no address to give
 */
export function gossipPlaces(
  options: { readonly gossip: Address | undefined; readonly peer: Address },
  advertised: Address | undefined,
): GossipPlaces {
  const listen = options.gossip ?? gossipAddress(options.peer);
  if (listen === undefined) {
    throw usageError(`--gossip is required: there is no port ${gossipPortOffset} above ${options.peer.port}`);
  }
  if (options.gossip !== undefined && !wildcards.includes(listen.host)) return { listen, host: listen.host };
  if (advertised !== undefined) return { listen, host: advertised.host };
  if (!wildcards.includes(listen.host)) return { listen, host: listen.host };
  throw usageError(`--gossip must name an address that the others reach, without --cluster (got "${listen.host}")`);
}

/** Where the other members of a cluster listen for gossip, when all keep to the ports' usual order. */
export function gossipSeeds(members: readonly { readonly peer: Address }[]): readonly Address[] {
  return members.flatMap(({ peer }) => {
    const seed = gossipAddress(peer);
    return seed === undefined || seed.port === 0 ? [] : [seed];
  });
}

function gossipAddress({ host, port }: Address): Address | undefined {
  if (port === 0) return { host, port };
  return port + gossipPortOffset > 65_535 ? undefined : { host, port: port + gossipPortOffset };
}
