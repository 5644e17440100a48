import type { FaultParameters } from "../../proof/index.ts";

/** The kinds that a packet filter can do; delays need a queue, which it is not. */
export const packetFilterKinds = ["partition", "loss", "bandwidth", "reset", "down"] as const;

export type PacketFilterKind = (typeof packetFilterKinds)[number];

/** Whose packets are meant. */
export interface PacketPeer {
  /** An IP address. */
  readonly host: string;
  readonly family: "ip" | "ip6";
  readonly port?: number;
  readonly protocol: "tcp" | "udp";
}

/** How much later than the registry the kernel ends a fault. */
const graceMs = 250;

/**
 * A table of its own for one fault: it comes in one piece, and with it all that belongs to the fault goes. The peer stands
 * in a set that the kernel empties by itself soon after the fault's time: nobody has to live for the fault to end.
 */
export function nftTable(
  table: string,
  peer: PacketPeer,
  kind: PacketFilterKind,
  parameters: FaultParameters,
  durationMs: number,
): string {
  const verdict = verdicts[kind](parameters);
  const chains = directionsOf(parameters).map((direction) => {
    const hook = direction === "up" ? "output" : "input";
    return [
      `  chain ${direction} {`,
      `    type filter hook ${hook} priority -150; policy accept;`,
      `    ${matchOf(peer, direction)} ${verdict}`,
      "  }",
    ].join("\n");
  });
  const element = `${peer.host} timeout ${Math.ceil(durationMs) + graceMs}ms`;
  const set = `  set peer { type ${addressTypes[peer.family]}; flags timeout; elements = { ${element} } }`;
  return [`table inet ${table} {`, set, ...chains, "}", ""].join("\n");
}

const addressTypes = { ip: "ipv4_addr", ip6: "ipv6_addr" } as const;

function directionsOf({ direction, shape }: FaultParameters): readonly ("up" | "down")[] {
  if (shape === "oneWay") return ["down"];
  return direction === "up" || direction === "down" ? [direction] : ["up", "down"];
}

function matchOf({ family, port, protocol }: PacketPeer, direction: "up" | "down"): string {
  const [address, side] = direction === "up" ? ["daddr", "dport"] : ["saddr", "sport"];
  const whom = port === undefined ? `meta l4proto ${protocol}` : `${protocol} ${side} ${port}`;
  return `${family} ${address} @peer ${whom}`;
}

/** As fine as a share gets. */
const shares = 1_000_000;

const verdicts: Readonly<Record<PacketFilterKind, (parameters: FaultParameters) => string>> = {
  partition: () => "counter drop",
  loss({ share }) {
    const struck = Math.round(Number(share) * shares);
    if (struck <= 0) return "continue";
    return struck >= shares ? "counter drop" : `numgen random mod ${shares} < ${struck} counter drop`;
  },
  bandwidth: ({ bytesPerSecond }) =>
    `limit rate over ${Math.max(1, Math.round(Number(bytesPerSecond)))} bytes/second counter drop`,
  // What begins a connection passes, and the first packet after that is answered with a reset.
  reset: () => "tcp flags & (syn | rst) == 0 counter reject with tcp reset",
  // Resets themselves pass: on the way back, ours would meet the other chain.
  down: () => "tcp flags & rst == 0 counter reject with tcp reset",
};

/** How many packets the rules of a table have struck, from `nft -j list table`. */
export function countPackets(json: string): number {
  let packets = 0;
  const { nftables } = JSON.parse(json) as {
    nftables: readonly { readonly rule?: { readonly expr: readonly object[] } }[];
  };
  for (const { rule } of nftables) {
    for (const part of rule?.expr ?? []) {
      if ("counter" in part) packets += (part.counter as { readonly packets: number }).packets;
    }
  }
  return packets;
}
