import { formatAddress, parseAddress } from "../../consensus/index.ts";
import type { Address } from "../../runtime/index.ts";

/** As a member's peer address is told: `http://host:port`. */
export function formatPeerUrl(address: Address): string {
  return `http://${formatAddress(address)}`;
}

/** What members speak among themselves: TLS, all of them, or none. */
export type PeerScheme = "http" | "https";

/** As a member is told, whatever was said when it was added. */
export function peerUrlIn(scheme: PeerScheme, url: string): string {
  return url.replace(/^https?:/, `${scheme}:`);
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
