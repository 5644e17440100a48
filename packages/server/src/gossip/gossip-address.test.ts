import { describe, expect, it } from "vitest";
import type { Address } from "holdfast/runtime";
import { gossipPlaces, gossipSeeds } from "./gossip-address.ts";

const at = (host: string, port: number): Address => ({ host, port });

describe("a node gossips", () => {
  it.each<[string, Address | undefined, Address, Address | undefined, Address, string]>([
    [
      "two above its peer port, as its peers know it",
      undefined,
      at("10.0.0.1", 2380),
      at("n1", 1),
      at("10.0.0.1", 2382),
      "n1",
    ],
    [
      "at its peer address when it must learn",
      undefined,
      at("10.0.0.1", 2380),
      undefined,
      at("10.0.0.1", 2382),
      "10.0.0.1",
    ],
    ["at any port when its peer port is any", undefined, at("::1", 0), undefined, at("::1", 0), "::1"],
    ["where it is told", at("10.0.1.1", 7946), at("10.0.0.1", 2380), at("n1", 1), at("10.0.1.1", 7946), "10.0.1.1"],
    ["everywhere, by its name", undefined, at("0.0.0.0", 2380), at("n1", 1), at("0.0.0.0", 2382), "n1"],
    ["everywhere over IPv6, by its name", at("::", 7946), at("::1", 2380), at("n1", 1), at("::", 7946), "n1"],
  ])("%s", (_, gossip, peer, advertised, listen, host) => {
    expect(gossipPlaces({ gossip, peer }, advertised)).toEqual({ listen, host });
  });

  it("nowhere when the others would not find it", () => {
    expect(() => gossipPlaces({ gossip: undefined, peer: at("a", 65_534) }, undefined)).toThrow(
      "--gossip is required: there is no port 2 above 65534",
    );
    expect(() => gossipPlaces({ gossip: at("0.0.0.0", 7946), peer: at("a", 1) }, undefined)).toThrow(
      '--gossip must name an address that the others reach, without --cluster (got "0.0.0.0")',
    );
  });
});

it("looks for the others two above their peer ports, where there is such a port", () => {
  const members = [at("a", 2380), at("b", 65_533), at("c", 65_534), at("d", 0)].map((peer) => ({ peer }));
  expect(gossipSeeds(members)).toEqual([at("a", 2382), at("b", 65_535)]);
});
