import { afterAll, describe, expect, it } from "vitest";
import type { GossipMember, MembersDocument } from "../../packages/server/src/http/members-document.ts";
import { addressText } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { occupy } from "./free-ports.ts";
import { clientUrlOf, membersAt, nodeLine, planNodes, startNode, states } from "./gossip-nodes.ts";
import { run, start, until } from "./holdfast-command.ts";
import { cleanUp, line, place, undo } from "./lone-node.ts";
import { startRealCluster } from "./real-cluster.ts";

afterAll(cleanUp);

const leaders = (list: readonly GossipMember[]): string[] =>
  list.filter(({ state, role }) => state === "alive" && role === "leader").map(({ name }) => name);

describe.concurrent("holdfast members", () => {
  it("shows who is alive and leads; a killed leader as dead, with its role, until it is back", async () => {
    const cluster = await startRealCluster();
    undo.push(() => cluster.close());
    const { plan, supervisor, urls } = cluster;
    const leader = await cluster.leader();
    for (const url of urls) {
      await until(`all alive and one leads, at ${url}`, 10_000, async () => {
        const list = await membersAt(url);
        return states(list) === "n1 alive,n2 alive,n3 alive" && leaders(list).join() === leader;
      });
    }
    const [planned] = plan.members;
    const { code, stdout } = await run(["members", "--json", "--endpoints", urls[2] ?? ""]);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as MembersDocument).members[0]).toEqual({
      name: "n1",
      host: "127.0.0.1",
      port: planned?.gossip.port,
      state: "alive",
      role: leader === "n1" ? "leader" : "follower",
      clientUrl: urls[0],
      httpUrl: `http://${addressText(planned!.http)}`,
      peer: addressText(planned!.peer),
      sinceMs: expect.any(Number),
      lastHeardMs: expect.any(Number),
      unansweredMs: expect.toBeOneOf([null, expect.any(Number)]),
      incarnation: expect.any(Number),
    });

    const { sentAtMs, exit } = await supervisor.kill(leader);
    expect(exit.signal).toBe("SIGKILL");
    const other = urls[plan.members.findIndex(({ name }) => name !== leader)] ?? "";
    const find = async (): Promise<GossipMember | undefined> =>
      (await membersAt(other)).find(({ name }) => name === leader);
    await until("the killed leader is dead", 20_000, async () => (await find())?.state === "dead");
    const silentMs = performance.now() - sentAtMs;
    const dead = await find();
    expect(dead).toMatchObject({ state: "dead", role: "leader" });
    // It was not heard after it was killed, and before, once in every few probe periods of a second.
    expect(dead?.lastHeardMs).toBeGreaterThan(silentMs - 100);
    expect(dead?.lastHeardMs).toBeLessThan(silentMs + 10_000);
    // It was suspected for some seconds before, and this is soon after.
    expect(dead?.sinceMs).toBeGreaterThanOrEqual(0);
    expect(dead?.sinceMs).toBeLessThan(silentMs - 1_000);
    await until("another one leads", 10_000, async () => leaders(await membersAt(other)).length === 1);
    const table = (await run(["members", "--endpoints", other])).stdout;
    expect(table.split("\n").find((text) => text.startsWith(leader))).toMatch(/✕ dead +\d+s +was leader +\d+s ago/);

    await supervisor.start(leader);
    await until("it is back", 20_000, async () => {
      const back = await find();
      return back?.state === "alive" && back.role !== null && back.lastHeardMs < 5_000;
    });
    expect(leaders(await membersAt(other))).toHaveLength(1);
  });

  it("tells who left from who died, and a node finds its cluster through one member", async () => {
    const plan = await planNodes(3);
    const url = clientUrlOf(plan, 0);
    const [first, second] = await Promise.all([startNode(nodeLine(plan, 0)), startNode(nodeLine(plan, 1))]);
    const learning = nodeLine(plan, 2, 0);
    const third = await startNode(learning);
    await until("n3 is there", 10_000, async () => states(await membersAt(url)) === "n1 alive,n2 alive,n3 alive");
    const written = await run(["put", "a", "b", "--endpoints", clientUrlOf(plan, 2)]);
    expect(written).toMatchObject({ code: 0, stderr: "" });

    third.child.kill("SIGTERM");
    expect((await third.done).code).toBe(0);
    await until("n3 has left", 5_000, async () => states(await membersAt(url)).endsWith("n3 left"));
    expect(first.stderr()).toContain("n3 joined\n");
    expect(first.stderr()).toContain("n3 left\n");
    second.child.kill("SIGKILL");
    await until("n2 is dead", 20_000, () => /n2 is dead, last heard \d+\.\d s ago\n/.test(first.stderr()));

    const stranger = learning.map((option) => option.replace("--name=n3", "--name=n9").replace(/^--data=.*/, "$&-9"));
    const refused = await run(stranger);
    expect([refused.code, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toContain('--name must be one of the cluster\'s members: n1, n2, n3 (got "n9")');
  });

  it("is refused where no member answers, with what to do", async () => {
    const where = await place();
    const { code, stdout, stderr } = await run(["members", "--endpoints", where.url]);
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain(`${where.url} (connection refused)`);
    expect(stderr).toContain("holdfast up");
  });
});

describe.concurrent("holdfast node", () => {
  it("wants a cluster, or somebody to learn it from", async () => {
    const { code, stderr } = await run(["node", "--name", "n1", "--data", "d"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--cluster is required, or --join to learn it from a running member");
  });

  it("names the option of a gossip port that is taken", async () => {
    const where = await place();
    const taken = await occupy(where.port + 3);
    undo.push(() => taken.close());
    const { code, stdout, stderr } = await run(line(where));
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain(`127.0.0.1:${where.port + 3} is taken by another process; choose another: --gossip`);
  });

  it("stops at once when asked to while it looks for its cluster", async () => {
    const where = await place();
    const lost = start([
      ...line(where).filter((word, at, all) => word !== "--cluster" && all[at - 1] !== "--cluster"),
      "--join",
      `127.0.0.1:${where.port + 9}`,
    ]);
    undo.push(() => lost.child.kill("SIGKILL"));
    await until("it looks", 10_000, () => lost.stderr().includes("looking for the cluster through 127.0.0.1"));
    lost.child.kill("SIGTERM");
    expect((await lost.done).code).toBe(0);
  });
});
