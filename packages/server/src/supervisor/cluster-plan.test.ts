import { expect, it } from "vitest";
import { addressText, clientUrl, nodeArguments, planCluster } from "./cluster-plan.ts";

it("gives every member its directory and four ports", () => {
  const plan = planCluster({ nodes: 2, directory: "data", port: 2379 });
  expect(plan.members).toEqual([
    {
      name: "n1",
      directory: "data/n1",
      client: { host: "127.0.0.1", port: 2379 },
      peer: { host: "127.0.0.1", port: 2380 },
      http: { host: "127.0.0.1", port: 2381 },
      gossip: { host: "127.0.0.1", port: 2382 },
    },
    {
      name: "n2",
      directory: "data/n2",
      client: { host: "127.0.0.1", port: 2389 },
      peer: { host: "127.0.0.1", port: 2390 },
      http: { host: "127.0.0.1", port: 2391 },
      gossip: { host: "127.0.0.1", port: 2392 },
    },
  ]);
  expect(plan.members.map(clientUrl)).toEqual(["http://127.0.0.1:2379", "http://127.0.0.1:2389"]);
  expect(nodeArguments(plan, plan.members[1] as (typeof plan.members)[number])).toEqual([
    "node",
    "--name=n2",
    "--data=data/n2",
    "--cluster-name=holdfast",
    "--cluster=n1=127.0.0.1:2380,n2=127.0.0.1:2390",
    "--client=127.0.0.1:2389",
    "--peer=127.0.0.1:2390",
    "--http=127.0.0.1:2391",
    "--gossip=127.0.0.1:2392",
    "--timers=standard",
  ]);
});

it("puts an IPv6 host in brackets", () => {
  expect(addressText({ host: "::1", port: 80 })).toBe("[::1]:80");
});
