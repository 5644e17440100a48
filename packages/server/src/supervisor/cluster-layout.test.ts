import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { LayoutKeeper } from "../healing/layout-keeper.ts";
import { firstLayout, layoutText, nextMember, readLayout } from "./cluster-layout.ts";
import { nodeArguments, planCluster } from "./cluster-plan.ts";
import { prepareDataDirectory } from "./data-directory.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-layout-"));
afterAll(() => rmSync(directory, { recursive: true }));

it("is written and read again; a text that names members alone is of a cluster as it began", () => {
  const layout = firstLayout("holdfast", 3);
  expect(readLayout(layoutText(layout))).toEqual(layout);
  expect(readLayout('{"clusterName":"holdfast","members":["n1","n2","n3"]}')).toEqual(layout);
  for (const text of ["", "{}", "[]", '{"members":1}']) expect(readLayout(text), text).toBeUndefined();
});

it("gives no name twice, and no ports for members that another member has", () => {
  const keeper = new LayoutKeeper(directory, firstLayout("holdfast", 3));
  const n4 = keeper.reserve(1);
  expect(n4).toEqual({ name: "n4", slot: 3, clientSlot: 1, hasRun: false });
  keeper.add(n4);
  keeper.remove("n2");
  expect(nextMember(keeper.layout)).toMatchObject({ name: "n5", slot: 4, clientSlot: 4 });
  keeper.remove("n4");
  expect(keeper.reserve()).toMatchObject({ name: "n5", slot: 3 });
  expect(keeper.reserve()).toMatchObject({ name: "n6" });
  expect(["n1", "n2", "n6", "n7", "n0", "x", "n04"].map((name) => keeper.isOurs(name))).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
  expect(readLayout(readFileSync(join(directory, "cluster.json"), "utf8"))).toEqual(keeper.layout);
});

it("knows a member that has run and whose data is gone", () => {
  const keeper = new LayoutKeeper(directory, firstLayout("holdfast", 3));
  const [member] = planCluster({ nodes: 1, directory, port: 2379 }).members;
  expect(keeper.lossOf(member!)).toBeUndefined();
  keeper.noteRun("n1");
  expect(keeper.lossOf(member!)).toBe(`its data is not in ${member!.directory} any more`);
  mkdirSync(member!.directory);
  expect(keeper.lossOf(member!)).toContain("its data is not in");
  writeFileSync(join(member!.directory, "log"), "");
  expect(keeper.lossOf(member!)).toBeUndefined();
});

it("places a member that was added later where the layout says, and lets it join", () => {
  const place = join(directory, "data");
  const fresh = planCluster({ nodes: 3, directory: place, port: 4000 });
  const keeper = new LayoutKeeper(place, prepareDataDirectory(fresh));
  keeper.add(keeper.reserve(1));
  keeper.remove("n2");
  const layout = prepareDataDirectory(fresh);
  expect(layout).toEqual(keeper.layout);
  const plan = planCluster({ nodes: 3, directory: place, port: 4000, layout });
  expect(
    plan.members.map(({ name, client, peer, http, gossip }) => [name, client.port, peer.port, http.port, gossip.port]),
  ).toEqual([
    ["n1", 4000, 4001, 4002, 4003],
    ["n3", 4020, 4021, 4022, 4023],
    ["n4", 4010, 4031, 4012, 4033],
  ]);
  const [n1, , n4] = plan.members.map((member) => nodeArguments(plan, member));
  expect(n1).toContain("--cluster=n1=127.0.0.1:4001,n2=127.0.0.1:4011,n3=127.0.0.1:4021");
  expect(n4).toContain("--join=127.0.0.1:4003,127.0.0.1:4023");
  expect(n4!.some((option) => option.startsWith("--cluster="))).toBe(false);
  expect(() => prepareDataDirectory(planCluster({ nodes: 5, directory: place, port: 4000 }))).toThrow(
    "holds a cluster of 3 members (n1, n3, n4); start it with --nodes 3",
  );
});

it("keeps in mind that the last of those that the cluster began with is a witness", () => {
  const place = join(directory, "witness");
  const plan = planCluster({ nodes: 3, directory: place, port: 4000, hasWitness: true });
  const layout = prepareDataDirectory(plan);
  expect(readLayout(layoutText(layout))).toEqual(layout);
  expect(layout).toMatchObject({ hasWitness: true });
  for (const member of plan.members) expect(nodeArguments(plan, member)).toContain("--witness=n3");
  const keeper = new LayoutKeeper(place, layout);
  keeper.add(keeper.reserve(1));
  keeper.remove("n2");
  const later = planCluster({
    nodes: 3,
    directory: place,
    port: 4000,
    hasWitness: true,
    layout: prepareDataDirectory(plan),
  });
  const [n1, , n4] = later.members.map((member) => nodeArguments(later, member));
  expect(n1).toContain("--witness=n3");
  expect(n4!.join()).not.toContain("--witness");
  expect(() => prepareDataDirectory(planCluster({ nodes: 3, directory: place, port: 4000 }))).toThrow(
    "holds a cluster with a witness; start it with --witness",
  );
  const plain = join(directory, "no-witness");
  prepareDataDirectory(planCluster({ nodes: 3, directory: plain, port: 4000 }));
  const asked = planCluster({ nodes: 3, directory: plain, port: 4000, hasWitness: true });
  expect(() => prepareDataDirectory(asked)).toThrow("holds a cluster without a witness");
});
