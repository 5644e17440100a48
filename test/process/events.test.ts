import type { TelemetryEvent } from "holdfast/telemetry";
import { afterEach, describe, expect, it } from "vitest";
import { addressText } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { gatherEvents, type GatheredEvents } from "./event-stream-client.ts";
import { until } from "./holdfast-command.ts";
import { cleanUp, place, running, undo } from "./lone-node.ts";
import { startRealCluster } from "./real-cluster.ts";

afterEach(cleanUp);

function gather(origin: string, lastEventId?: string): GatheredEvents {
  const gathered = gatherEvents(origin, lastEventId);
  undo.push(() => gathered.close());
  return gathered;
}

const about = ({ events }: GatheredEvents, member: string): string[] =>
  events.filter((event) => "member" in event && event.member === member).map(({ type }) => type);

describe("the events of a node", () => {
  it("tell of a leader that is killed, of the next one, and of its return, at every port and after a pause", async () => {
    const cluster = await startRealCluster();
    undo.push(() => cluster.close());
    const { plan, supervisor, urls } = cluster;
    const leader = await cluster.leader();
    const at = plan.members.findIndex(({ name }) => name !== leader);
    const { name: witness, http } = plan.members[at]!;
    const live = gather(`http://${addressText(http)}`);
    const leaders = (): (string | null)[] =>
      live.events.flatMap((event) => (event.type === "leaderChanged" ? [event.leader] : []));
    await until("the first leader is told", 10_000, () => leaders().at(-1) === leader);
    expect(live.words.get("hello")).toMatchObject({ nodeId: witness, resumed: false });

    const { exit } = await supervisor.kill(leader);
    expect(exit.signal).toBe("SIGKILL");
    await until("it is suspected", 10_000, () => about(live, leader).includes("memberSuspect"));
    const early = gather(urls[at] ?? "");
    await until("what is recorded has come", 10_000, () => about(early, leader).includes("memberSuspect"));
    early.close();
    await until("it has failed, and another one leads", 20_000, () => {
      return about(live, leader).includes("memberFailed") && ![null, leader].includes(leaders().at(-1) ?? null);
    });
    await supervisor.start(leader);
    await until("it is back", 20_000, () => about(live, leader).includes("memberReturned"));

    const resumed = gather(urls[at] ?? "", early.lastId);
    await until("the rest has come", 10_000, () => resumed.events.length + early.events.length >= live.events.length);
    expect(resumed.words.get("hello")).toMatchObject({ resumed: true });
    expect(resumed.words.has("lost")).toBe(false);
    const joined = [...early.events, ...resumed.events].slice(0, live.events.length);
    expect(joined).toEqual(live.events);
    expect(live.events.map(({ seq }) => seq)).toEqual(live.events.map((_, index) => index + 1));
    const failed = live.events.find((event): event is TelemetryEvent & { type: "memberFailed" } => {
      return event.type === "memberFailed";
    });
    expect(failed).toMatchObject({ nodeId: witness, member: leader, host: "127.0.0.1" });
    expect(failed?.lastHeardMs).toBeGreaterThan(1_000);
    expect(Math.abs((failed?.at ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it("end with a word when the node stops, and are of another run after it", async () => {
    const where = await place();
    const node = await running(where);
    const before = gather(where.url);
    await until("it leads itself", 10_000, () => before.events.some((event) => event.type === "leaderChanged"));
    node.child.kill("SIGTERM");
    expect((await node.done).code).toBe(0);
    await until("the stream has ended", 5_000, () => before.ended);
    expect(before.words.get("cut")).toMatchObject({ reason: "closing" });

    await running(where);
    const after = gather(where.url, before.lastId);
    await until("it leads itself again", 10_000, () => after.events.some((event) => event.type === "leaderChanged"));
    expect(after.words.get("hello")).toMatchObject({ resumed: false });
    expect(after.events[0]?.seq).toBe(1);
  });
});
