import { describe, expect, it } from "vitest";
import { countPackets, nftTable } from "./nft-rules.ts";
import { packetFilter } from "./packet-filter.ts";

const peer = { host: "10.0.0.7", family: "ip", port: 5432, protocol: "tcp" } as const;

describe("the rules of a fault", () => {
  it("stand in a table of their own, a chain for each direction", () => {
    expect(nftTable("t", peer, "partition", { shape: "split" }, 1_000)).toBe(`table inet t {
  set peer { type ipv4_addr; flags timeout; elements = { 10.0.0.7 timeout 1250ms } }
  chain up {
    type filter hook output priority -150; policy accept;
    ip daddr @peer tcp dport 5432 counter drop
  }
  chain down {
    type filter hook input priority -150; policy accept;
    ip saddr @peer tcp sport 5432 counter drop
  }
}
`);
  });

  it.each([
    ["partition", { shape: "oneWay" }, ["ip saddr @peer tcp sport 5432 counter drop"]],
    [
      "loss",
      { share: 0.25, direction: "up" },
      ["ip daddr @peer tcp dport 5432 numgen random mod 1000000 < 250000 counter drop"],
    ],
    [
      "bandwidth",
      { bytesPerSecond: 1_000, direction: "down" },
      ["ip saddr @peer tcp sport 5432 limit rate over 1000 bytes/second counter drop"],
    ],
    ["loss", { share: 1, direction: "up" }, ["ip daddr @peer tcp dport 5432 counter drop"]],
    ["loss", { share: 0, direction: "up" }, ["ip daddr @peer tcp dport 5432 continue"]],
    ["down", { direction: "up" }, ["ip daddr @peer tcp dport 5432 tcp flags & rst == 0 counter reject with tcp reset"]],
  ] as const)("%s %o", (kind, parameters, rules) => {
    const lines = nftTable("t", peer, kind, parameters, 1_000).split("\n");
    expect(lines.filter((line) => / [ds]addr /.test(line)).map((line) => line.trim())).toEqual(rules);
  });

  it("meet every port of a peer without one, and IPv6", () => {
    const all = { host: "fd00::7", family: "ip6", protocol: "udp" } as const;
    const table = nftTable("t", all, "partition", {}, 0.5);
    expect(table).toContain("set peer { type ipv6_addr; flags timeout; elements = { fd00::7 timeout 251ms } }");
    expect(table).toContain("    ip6 daddr @peer meta l4proto udp counter drop\n");
  });
});

it("counts the packets of all rules", () => {
  const rule = (packets: number): object => ({ rule: { expr: [{ match: {} }, { counter: { packets, bytes: 9 } }] } });
  expect(countPackets(JSON.stringify({ nftables: [{ metainfo: {} }, rule(3), rule(4)] }))).toBe(7);
});

describe("a packet filter", () => {
  it.each<[object, string]>([
    [{ peer: { host: "example.org" } }, 'packetFilter.peer.host must be an IP address (got "example.org")'],
    [{ peer: { host: "10.0.0.1; drop" } }, 'packetFilter.peer.host must be an IP address (got "10.0.0.1; drop")'],
    [{ peer: { host: "10.0.0.1", port: 0 } }, "packetFilter.peer.port must be an integer >= 1 and <= 65535 (got 0)"],
    [{ namespace: "a b" }, 'packetFilter.namespace must be the name of a namespace (got "a b")'],
    [{ protocol: "udp", allow: ["reset"] }, "packetFilter.allow[0] must be"],
  ])("refuses %o", (change, message) => {
    expect(() => packetFilter({ name: "f", peer: { host: "10.0.0.1" }, ...change })).toThrow(message);
  });

  it("refuses what needs a proxy", () => {
    const filter = packetFilter({ name: "f", peer: { host: "10.0.0.1" } });
    expect(filter.check("loss", { share: 0.5 })).toEqual({ share: 0.5, direction: "both" });
    expect(() => filter.check("loss", { share: 0.5, toxicity: 0.5 })).toThrow(
      "parameters.toxicity is nothing that a packet filter can do (got 0.5)",
    );
    expect(() => filter.check("loss", { share: 2 })).toThrow("parameters.share must be");
  });
});
