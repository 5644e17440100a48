import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { circuitBreaker, policyReader } from "holdfast/resilience";
import { instrumentService } from "holdfast/telemetry";
import { ask, post, WatchingPage } from "./dashboard-client.ts";
import { freePortRange } from "./free-ports.ts";
import { start, temporaryDirectory, until, type RunningCommand } from "./holdfast-command.ts";

interface Ready {
  readonly dashboardUrl: string;
  readonly members: readonly { readonly name: string; readonly pid: number; readonly httpUrl: string }[];
}

/** What whoever watches may wait to see something that has happened, in milliseconds. */
const seenWithinMs = 1_000;
/** A dead leader is known by its process; who is next takes an election, of 500 to 1 000 ms. */
const electionMs = 2_500;

const directory = temporaryDirectory();
let command: RunningCommand;
let ready: Ready;
let origin: string;
let page: WatchingPage;

beforeAll(async () => {
  const port = await freePortRange(31);
  const line = ["up", "--json", "--allow-faults", "--data", directory.path, "--port", String(port + 1)];
  command = start([...line, "--dashboard", String(port)]);
  ready = JSON.parse(await command.firstLine()) as Ready;
  origin = new URL(ready.dashboardUrl).origin;
  page = new WatchingPage(origin);
  await page.until("all members answer", 10_000, () => page.cluster?.quorum.answering === 3);
});

afterAll(async () => {
  page?.close();
  command?.child.kill("SIGTERM");
  await command?.done;
  directory.remove();
});

const data = (): string => `${origin}/holdfast/v1/dashboard`;

/** Waits for a leader whom all who answer follow, with nothing wrong. */
async function settled(): Promise<string> {
  await until("the cluster has settled", 15_000, () => {
    const { leader, members = [] } = page.cluster ?? {};
    const isWhole = members.every(
      ({ liveness, links }) => liveness === "answers" && links.every(({ state }) => state === "up"),
    );
    return leader != null && isWhole && (page.faults?.faults.length ?? 0) === 0;
  });
  return page.cluster!.leader!;
}

describe("the dashboard of a real cluster", () => {
  it("shows a leader that was killed within a second, and the next one", async () => {
    const leader = await settled();
    const { pid } = ready.members.find(({ name }) => name === leader)!;
    const eventsBefore = page.events.length;
    process.kill(pid, "SIGKILL");
    const seenMs = await page.until("the death is seen", 5_000, () => page.member(leader)?.liveness !== "answers");
    await page.until(
      "another leads",
      electionMs * 3,
      () => page.cluster?.leader != null && page.cluster.leader !== leader,
    );
    expect(page.events.slice(eventsBefore).map(({ event }) => event.type)).toContain("leaderChanged");
    expect(seenMs).toBeLessThan(seenWithinMs);
    // Who supervises starts it again.
    await page.until("it is back", 20_000, () => page.member(leader)?.liveness === "answers");
  });

  it("cuts the leader off, shows the cut and the next leader, and heals", async () => {
    const leader = await settled();
    const order = { target: `peers-${leader}`, kind: "partition", durationMs: 60_000 };
    const answer = await post(`${data()}/faults`, order);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([201, expect.objectContaining({ target: order.target })]);
    const [injected, lost] = await Promise.all([
      page.until("the fault is seen", 5_000, () => page.faults?.faults.length === 1),
      page.until("the leader is lost", 5_000, () => page.cluster?.leader !== leader),
    ]);
    expect(injected).toBeLessThan(seenWithinMs);
    expect(lost).toBeLessThan(electionMs);
    await page.until(
      "another leads",
      electionMs * 3,
      () => page.cluster?.leader != null && page.cluster.leader !== leader,
    );
    const next = page.cluster!.leader!;
    await page.until("the cut is seen", seenWithinMs, () =>
      page.member(leader)!.links.some(({ to, state }) => to === next && state === "down"),
    );
    // It is reachable for whoever asks, and takes no part.
    expect(page.member(leader)).toMatchObject({ liveness: "answers" });
    await page.until("it is known to have struck", 3_000, () => (page.faults?.faults[0]?.struck ?? 0) > 0);

    // One more out of service would cost the majority.
    const refused = await post(`${data()}/faults`, { target: `member-${next}`, kind: "pause", durationMs: 1_000 });
    expect([refused.status, refused.text]).toEqual([409, expect.stringContaining("force it")]);

    const healed = await post(`${data()}/heal`, {});
    expect([healed.status, JSON.parse(healed.text)]).toEqual([200, { removed: 1, stuck: 0 }]);
    expect(await page.until("nothing is wrong", 5_000, () => page.faults?.faults.length === 0)).toBeLessThan(
      seenWithinMs,
    );
    const told = (): string[] => page.events.filter(({ event }) => "fault" in event).map(({ event }) => event.type);
    await page.until("its end is told", seenWithinMs, () => told().length === 2);
    expect(told()).toEqual(["faultInjected", "faultRemoved"]);
  });

  it("pauses and kills a follower, which come back by themselves", async () => {
    const leader = await settled();
    const follower = ready.members.find(({ name }) => name !== leader)!.name;
    await post(`${data()}/faults`, { target: `member-${follower}`, kind: "pause", durationMs: 800 });
    const silentMs = await page.until("it is silent", 5_000, () => page.member(follower)?.liveness === "silent");
    expect(silentMs).toBeLessThan(seenWithinMs);
    await page.until("it answers", 5_000, () => page.member(follower)?.liveness === "answers");

    const killed = await post(`${data()}/faults`, { target: `member-${follower}`, kind: "crash", durationMs: 60_000 });
    const { id } = JSON.parse(killed.text) as { readonly id: string };
    const stoppedMs = await page.until("it is dead", 5_000, () => page.member(follower)?.liveness === "stopped");
    expect(stoppedMs).toBeLessThan(seenWithinMs);
    const removed = await ask(`${data()}/faults/${id}`, { method: "DELETE" });
    expect([removed.status, JSON.parse(removed.text)]).toMatchObject([200, { id, struck: 1 }]);
    await page.until("it is back", 10_000, () => page.member(follower)?.liveness === "answers");
  });

  it("shows a breaker that opens in a service, at a member that the service does not know", async () => {
    await settled();
    const [first, second] = ready.members;
    const elsewhere = new WatchingPage(second!.httpUrl);
    const breaker = circuitBreaker({ name: "bank", window: { kind: "consecutive", failures: 3 }, openMs: 60_000 });
    const endpoints = ["http://127.0.0.1:1", first!.httpUrl];
    const service = instrumentService({ service: "shop", instance: "a", endpoints, policies: policyReader(breaker) });
    const stateAt = (seen: WatchingPage) => seen.services.find((one) => one.service === "shop")?.policies[0]?.state;
    try {
      await Promise.all(
        [page, elsewhere].map((seen) => seen.until("it is shown", 8_000, () => stateAt(seen) === "closed")),
      );
      for (let call = 0; call < 3; call++) await breaker.execute(() => Promise.reject(new Error("no"))).catch(() => 0);
      const seen = [page, elsewhere].map((one) => one.until("it is open", 5_000, () => stateAt(one) === "open"));
      for (const seenMs of await Promise.all(seen)) expect(seenMs).toBeLessThan(seenWithinMs);
      expect(service.metrics).toMatchObject({ lastError: null });
      // It takes leave of one member, and is gone from the pages of all.
      await service.close();
      const gone = [page, elsewhere].map((one) => one.until("it has left", 5_000, () => stateAt(one) === undefined));
      for (const goneMs of await Promise.all(gone)) expect(goneMs).toBeLessThan(seenWithinMs);
    } finally {
      await service.close();
      elsewhere.close();
    }
  });

  it("reads keys, and is closed to foreign pages and names", async () => {
    const keys = await post(`${origin}/v3/kv/range`, { key: "AA==", range_end: "AA==" });
    expect([keys.status, JSON.parse(keys.text)]).toMatchObject([200, { header: { cluster_id: expect.any(String) } }]);
    const member = ready.members[0]!.httpUrl;
    for (const at of [origin, member]) {
      const url = `${at}/holdfast/v1/dashboard/stream`;
      expect((await ask(url, { headers: { host: "rebound.example" } })).status).toBe(403);
      expect((await ask(url, { headers: { origin: "http://evil.example" } })).status).toBe(403);
    }
    const foreign = { origin: "http://evil.example" };
    expect((await post(`${data()}/heal`, {}, foreign)).status).toBe(403);
    expect((await post(`${origin}/v3/kv/range`, { key: "AA==" }, foreign)).status).toBe(403);
    expect((await post(`${member}/holdfast/v1/dashboard/faults`, {})).status).toBe(403);
  });

  it("loses no event to a page that was away", async () => {
    const seen = new Set(page.events.map(({ id }) => id));
    expect(seen.size).toBe(page.events.length);
    const again = new WatchingPage(origin, { "last-event-id": page.lastId! });
    const fresh = new WatchingPage(origin);
    await post(`${data()}/faults`, { target: "peers-n1", kind: "delay", parameters: { delayMs: 5 }, durationMs: 200 });
    const isOver = (one: WatchingPage): boolean => one.events.at(-1)?.event.type === "faultRemoved";
    await Promise.all([page, again, fresh].map((one) => one.until("the fault is over", 5_000, () => isOver(one))));
    const later = page.events.filter(({ id }) => !seen.has(id)).map(({ id }) => id);
    expect(again.events.map(({ id }) => id)).toEqual(later);
    expect(fresh.events.map(({ id }) => id)).toEqual(page.events.map(({ id }) => id));
    again.close();
    fresh.close();
  });
});

describe("a dashboard with a token", () => {
  it("asks for it at the supervisor and at the members, which have it from each other's", async () => {
    const own = temporaryDirectory();
    const port = await freePortRange(12);
    const token = "correct-horse-battery";
    const line = ["up", "--json", "--nodes", "1", "--data", own.path, "--port", String(port + 1), "--dashboard", "0"];
    const running = start(line, { HOLDFAST_DASHBOARD_TOKEN: token });
    try {
      const { dashboardUrl, members } = JSON.parse(await running.firstLine()) as Ready;
      for (const at of [new URL(dashboardUrl).origin, members[0]!.httpUrl]) {
        const url = `${at}/holdfast/v1/dashboard/services`;
        expect((await ask(url)).status).toBe(401);
        expect((await ask(url, { headers: { authorization: "Bearer wrong" } })).status).toBe(401);
        expect((await ask(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
      }
    } finally {
      running.child.kill("SIGTERM");
      expect((await running.done).code).toBe(0);
      own.remove();
    }
  });

  it("is not started with a token that is none", async () => {
    const ended = start(["up", "--data", "/nowhere"], { HOLDFAST_DASHBOARD_TOKEN: "short" });
    expect(await ended.done).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("HOLDFAST_DASHBOARD_TOKEN: the token must be 16"),
    });
  });
});
