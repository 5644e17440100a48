import { formatAddress, parseAddress } from "../consensus/index.ts";
import type { Address } from "../runtime/index.ts";

/** As a member's peer address is told: `http://host:port`. */
export function formatPeerUrl(address: Address): string {
  return `http://${formatAddress(address)}`;
}

/** What a configuration holds of an address, at most. */
const maxUrlLength = 255;

/** `host:port` of a peer URL; undefined for what is none: etcd, too, wants a scheme, a port, and nothing behind it. */
export function parsePeerUrl(url: string): string | undefined {
  if (url.length > maxUrlLength || !URL.canParse(url)) return undefined;
  const [, rest] = /^https?:\/\/([^/?#]+)$/.exec(url) ?? [];
  const address = rest === undefined ? undefined : parseAddress(rest);
  return address === undefined ? undefined : formatAddress(address);
}
