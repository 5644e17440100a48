import { afterAll, beforeAll, expect, it } from "vitest";
import { faultRegistry, type FaultRegistry } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { httpUrl, nodeArguments, type ClusterPlan } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { startMemberProcess } from "../../packages/server/src/supervisor/member-process.ts";
import { openPeerRoutes, type PeerRoutes } from "../../packages/server/src/supervisor/peer-routes.ts";
import { superviseCluster, type Supervisor } from "../../packages/server/src/supervisor/supervisor.ts";
import { WatchingPage } from "./dashboard-client.ts";
import { planOnOwnPorts } from "./free-ports.ts";
import { temporaryDirectory, until } from "./holdfast-command.ts";

const names = ["n1", "n2", "n3"] as const;
const directory = temporaryDirectory();
let plan: ClusterPlan;
let routes: PeerRoutes;
let registry: FaultRegistry;
let supervisor: Supervisor;
/** One at each member: nobody else knows the whole cluster. */
let pages: readonly WatchingPage[];

beforeAll(async () => {
  plan = await planOnOwnPorts(3, directory.path);
  routes = await openPeerRoutes(plan);
  const targets = plan.members.map((member) => routes.targetOf(member));
  registry = faultRegistry({ clock: nodeRuntime().clock, targets });
  supervisor = superviseCluster({
    plan,
    restart: false,
    launch: (member, onSaid) => startMemberProcess([...nodeArguments(plan, member), ...routes.lineOf(member)], onSaid),
  });
  expect(await supervisor.allAlive(60_000)).toBe(true);
  pages = plan.members.map((member) => new WatchingPage(httpUrl(member)));
});

afterAll(async () => {
  for (const page of pages ?? []) page.close();
  for (const name of names) resume(name);
  await registry?.close();
  await supervisor?.stop();
  await routes?.close();
  directory.remove();
});

const pid = (name: string): number => supervisor.member(name).pid!;

function resume(name: string): void {
  if (supervisor?.member(name).pid !== undefined) process.kill(pid(name), "SIGCONT");
}

/** What a member says of its way to another, as one page has it. */
function link(page: WatchingPage, from: string, to: string): string {
  const found = page.member(from)?.links.find((one) => one.to === to);
  return `${found?.state ?? "nothing"} by ${found?.source ?? "nobody"}`;
}

/** Waits for a leader that every page shows, with every member answering and every way there. */
async function settled(): Promise<{ readonly leader: string; readonly others: readonly [string, string] }> {
  const whole = (page: WatchingPage): boolean =>
    page.cluster?.leader != null &&
    page.cluster.quorum.answering === 3 &&
    page.cluster.members.every(({ links }) => links.length === 2 && links.every(({ state }) => state === "up"));
  await until("all pages show a whole cluster", 20_000, () => pages.every(whole));
  const leader = pages[0]!.cluster!.leader!;
  const others = names.filter((name) => name !== leader);
  return { leader, others: [others[0]!, others[1]!] };
}

const partition = (name: string) => registry.inject({ target: `peers-${name}`, kind: "partition", durationMs: 60_000 });

it("every member's page shows the same whole cluster, and says whose it is", async () => {
  const { leader } = await settled();
  expect(pages.map(({ cluster }) => cluster?.servedBy)).toEqual(names);
  expect(pages.map(({ cluster }) => cluster?.leader)).toEqual([leader, leader, leader]);
  expect(new Set(pages.map(({ cluster }) => cluster?.clusterId)).size).toBe(1);
});

it("every page, that of the minority too, shows a member that is cut off, from both sides", async () => {
  const { leader, others } = await settled();
  const [alone] = others;
  await partition(alone);
  const isCut = (page: WatchingPage): boolean =>
    link(page, leader, alone) === "down by raft" && link(page, alone, leader) === "down by raft";
  await Promise.all(pages.map((page) => page.until("the cut is seen", 5_000, () => isCut(page))));
  // It answers whoever asks it, and the majority leads on: its own page says so as well.
  for (const { cluster } of pages) expect(cluster).toMatchObject({ leader, quorum: { answering: 3 } });
  await registry.healAll();
  await settled();
});

it("without a majority that hears each other every page goes on, with nobody leading", async () => {
  await settled();
  await partition("n1");
  await partition("n2");
  await Promise.all(pages.map((page) => page.until("nobody leads", 8_000, () => page.cluster?.leader === null)));
  const before = pages.map(({ arrivedMs }) => arrivedMs.length);
  await until("every page is told more", 3_000, () =>
    pages.every(({ arrivedMs }, at) => arrivedMs.length >= before[at]! + 2),
  );
  for (const page of pages) {
    expect(page.cluster).toMatchObject({ leader: null, quorum: { answering: 3, needed: 2 } });
    expect([link(page, "n1", "n3"), link(page, "n3", "n2")]).toEqual(["down by raft", "down by raft"]);
  }
  await registry.healAll();
  await settled();
});

it("a page whose member reaches nobody says so, and shows the whole again when they are back", async () => {
  const { others } = await settled();
  const [lonely, ...rest] = [others[0], ...names.filter((name) => name !== others[0])];
  const page = pages[names.indexOf(lonely as (typeof names)[number])]!;
  for (const name of rest) process.kill(pid(name), "SIGSTOP");
  await page.until("it is alone", 8_000, () => page.cluster?.quorum.answering === 1 && page.cluster.leader === null);
  expect(page.cluster).toMatchObject({ servedBy: lonely, quorum: { answering: 1, needed: 2, voters: 3 } });
  expect(rest.map((name) => page.member(name)?.liveness)).toEqual(["silent", "silent"]);
  await page.until("it does not hear them", 5_000, () =>
    rest.every((name) => link(page, lonely, name) === "down by raft"),
  );
  for (const name of rest) resume(name);
  await settled();
});
