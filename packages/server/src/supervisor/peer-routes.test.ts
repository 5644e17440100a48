import { readFileSync } from "node:fs";
import { createConnection, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { superviseCluster, type Supervisor } from "./supervisor.ts";
import { faultRegistry, type FaultRegistry } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { memberTargets, type MemberTargets } from "../dashboard/up-targets.ts";
import { addressText, type MemberPlan } from "./cluster-plan.ts";
import type { MemberExit, MemberProcess } from "./member-process.ts";
import { openPeerRoutes, type PeerRoutes } from "./peer-routes.ts";

const undo: (() => unknown)[] = [];
let members: readonly MemberPlan[];
let routes: PeerRoutes;
let registry: FaultRegistry;
let supervisor: Supervisor;
let targets: MemberTargets;

/** Answers each connection with its name. */
async function place(name: string): Promise<MemberPlan> {
  const server = createServer((socket) => socket.on("error", () => undefined).end(name));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  undo.push(() => server.close());
  const address = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
  return { name, directory: name, client: address, peer: address, http: address, gossip: address };
}

/** Where a member's file sends what it has for this one's Raft. */
function wayOf(from: MemberPlan, to: MemberPlan): number | undefined {
  const [option] = routes.lineOf(from);
  const { tcp } = JSON.parse(readFileSync(option!.slice("--through=".length), "utf8")) as {
    tcp: Readonly<Record<string, string>>;
  };
  const proxied = tcp[addressText(to.peer)];
  return proxied === undefined ? undefined : Number(proxied.split(":")[1]);
}

/** What is heard on a way: the name at its end, or nothing within a moment. */
function hears(from: MemberPlan, to: MemberPlan): Promise<string> {
  return new Promise((resolve) => {
    const socket: Socket = createConnection(wayOf(from, to)!, "127.0.0.1");
    const timer = setTimeout(() => (socket.destroy(), resolve("nothing")), 150);
    socket
      .on("error", () => undefined)
      .once("data", (bytes) => {
        clearTimeout(timer);
        socket.destroy();
        resolve(String(bytes));
      });
  });
}

/** Runs until it is told to stop. */
function launch(): MemberProcess {
  const { promise: exited, resolve } = Promise.withResolvers<MemberExit>();
  const exit: MemberExit = { code: 0, signal: null, lastWords: "", atMs: 0, ranMs: 1 };
  return { pid: undefined, ready: Promise.resolve(true), exited, signal: () => (resolve(exit), true) };
}

beforeEach(async () => {
  members = await Promise.all(["n1", "n2", "n3"].map(place));
  const plan = { clusterName: "c", directory: "d", members: members.slice(0, 2), timers: "standard" } as const;
  routes = await openPeerRoutes(plan);
  registry = faultRegistry({ clock: nodeRuntime().clock });
  supervisor = superviseCluster({ plan, launch, onMembers: () => targets.follow() });
  targets = memberTargets({ registry, supervisor, routes });
});

afterEach(async () => {
  await registry.close();
  await supervisor.stop();
  await routes.close();
  for (const step of undo.splice(0)) step();
});

const names = (): string[] => targets.desk().map(({ name }) => name);

it("a member that is added gets ways of its own, and can be struck like the others", async () => {
  const [n1, n2, n3] = members as [MemberPlan, MemberPlan, MemberPlan];
  expect(names()).toEqual(["member-n1", "member-n2", "peers-n1", "peers-n2"]);
  expect([await hears(n1, n2), wayOf(n1, n3)]).toEqual(["n2", undefined]);
  await routes.add(n3);
  supervisor.add(n3);
  expect(names()).toEqual(["member-n1", "member-n2", "member-n3", "peers-n1", "peers-n2", "peers-n3"]);
  expect(await Promise.all([hears(n1, n3), hears(n3, n1), hears(n3, n2)])).toEqual(["n3", "n1", "n2"]);
  const { id } = await registry.inject({ target: "peers-n3", kind: "partition", durationMs: 60_000 });
  expect(await Promise.all([hears(n1, n3), hears(n3, n2), hears(n1, n2)])).toEqual(["nothing", "nothing", "n2"]);
  expect((await registry.remove(id)).struck).toBeGreaterThan(0);
  expect(await hears(n1, n3)).toBe("n3");
});

it("what strikes a member's ways strikes those to a new one, too", async () => {
  const [n1, n2, n3] = members as [MemberPlan, MemberPlan, MemberPlan];
  await registry.inject({ target: "peers-n1", kind: "partition", durationMs: 60_000 });
  await routes.add(n3);
  expect(await Promise.all([hears(n1, n3), hears(n3, n1), hears(n3, n2)])).toEqual(["nothing", "nothing", "n2"]);
  await registry.healAll();
  expect(await Promise.all([hears(n1, n3), hears(n3, n1)])).toEqual(["n3", "n1"]);
});

it("a member that is dropped is no target any more, and what struck it has ended", async () => {
  const [n1, n2] = members as [MemberPlan, MemberPlan, MemberPlan];
  await registry.inject({ target: "peers-n2", kind: "partition", durationMs: 60_000 });
  await supervisor.drop("n2");
  await routes.remove("n2");
  expect(names()).toEqual(["member-n1"]);
  expect(wayOf(n1, n2)).toBeUndefined();
  await expect.poll(() => registry.faults.filter(({ state }) => state !== "removed")).toEqual([]);
  await expect(registry.inject({ target: "peers-n2", kind: "partition", durationMs: 1_000 })).rejects.toMatchObject({
    code: "UNKNOWN_TARGET",
  });
});
