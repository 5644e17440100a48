import { readdirSync, rmSync } from "node:fs";
import { checkLinearizable, historyRecorder, keyValue } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { findLeader } from "../../packages/server/src/drill/cluster-watch.ts";
import { readEverything } from "../../packages/server/src/drill/final-reads.ts";
import { newWorkloadRecord, startWorkload } from "../../packages/server/src/drill/workload.ts";
import { addressText, nodeArguments, type ClusterPlan } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { clientUrlOf, planNodes, startNode } from "./gossip-nodes.ts";
import { run, start, until, type RunningCommand } from "./holdfast-command.ts";
import { cleanUp } from "./lone-node.ts";

afterAll(cleanUp);

interface Nodes {
  readonly plan: ClusterPlan;
  readonly running: Map<string, RunningCommand>;
  readonly urls: () => readonly string[];
  /** Adds a member and starts it; it finds the others by the gossip port of `seed`. */
  readonly join: (name: string, seed: string) => Promise<RunningCommand>;
  readonly leader: () => Promise<string>;
  readonly holdfast: (...line: string[]) => Promise<string>;
}

/** The first three members of a plan of more run. */
async function startThree(nodes: number): Promise<Nodes> {
  const plan = await planNodes(nodes);
  const first = { ...plan, members: plan.members.slice(0, 3) };
  const running = new Map<string, RunningCommand>();
  await Promise.all(
    first.members.map(async (member) => running.set(member.name, await startNode(nodeArguments(first, member)))),
  );
  const memberOf = (name: string): ClusterPlan["members"][number] => plan.members.find((one) => one.name === name)!;
  const urls = (): readonly string[] =>
    [...running.keys()].map((name) => clientUrlOf(plan, plan.members.indexOf(memberOf(name))));
  const holdfast = async (...line: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run([...line, "--endpoints", urls().join()]);
    if (code !== 0) throw new Error(`holdfast ${line.join(" ")}: code ${code}: ${stderr}`);
    return stdout;
  };
  const started = async (name: string): Promise<void> => {
    const answer = await fetch(`${urls()[0]}/v3/cluster/member/list`, { method: "POST", body: "{}" });
    const { members = [] } = (await answer.json()) as { members?: { name?: string; clientURLs?: string[] }[] };
    const told = members.filter(({ clientURLs = [] }) => clientURLs.length > 0).map((one) => one.name);
    if (!told.includes(name)) throw new Error(`${name} has not told of itself`);
  };
  const nodesOf: Nodes = {
    plan,
    running,
    urls,
    async join(name, seed) {
      const member = memberOf(name);
      await untilDone(`${name} can be added`, () =>
        holdfast("member", "add", name, "--peer", addressText(member.peer)),
      );
      const line = nodeArguments(first, member).filter((option) => !option.startsWith("--cluster="));
      const node = await startNode([...line, `--join=${addressText(memberOf(seed).gossip)}`]);
      running.set(name, node);
      await untilDone(`${name} tells of itself`, () => started(name));
      return node;
    },
    async leader() {
      const found = await findLeader(urls(), 60_000);
      if (found === null) throw new Error("no leader within 60 s");
      return found.name;
    },
    holdfast,
  };
  await untilDone("all have told of themselves", () => Promise.all(first.members.map(({ name }) => started(name))));
  return nodesOf;
}

/** Until it succeeds: a cluster that has just lost a member refuses changes for a moment. */
async function untilDone(what: string, attempt: () => Promise<unknown>): Promise<void> {
  let last = "";
  await until(what, 30_000, () =>
    attempt().then(
      () => true,
      (error: Error) => {
        last = error.message;
        return false;
      },
    ),
  ).catch((error: Error) => {
    throw new Error(`${error.message}: ${last}`);
  });
}

describe.concurrent("a cluster of processes whose members change", () => {
  it("grows from three to five and shrinks to three, its leader among those that go", async () => {
    const { running, urls, join, leader, holdfast } = await startThree(5);
    await holdfast("put", "k", "before");
    await join("n4", "n1");
    await join("n5", "n4");
    const all = await holdfast("status", "--json");
    expect((JSON.parse(all) as { members: { alive: boolean }[] }).members.filter(({ alive }) => alive)).toHaveLength(5);
    for (const url of urls()) {
      expect(await run(["get", "k", "--endpoints", url])).toMatchObject({ code: 0, stdout: "before\n" });
    }
    for (const gone of [await leader(), ""]) {
      const name = gone === "" ? await leader() : gone;
      await untilDone(`${name} can be removed`, () => holdfast("member", "remove", name));
      const { code, stderr } = await running.get(name)!.done;
      expect([code, stderr]).toEqual([3, expect.stringContaining("removed from its cluster for good")]);
      running.delete(name);
      await holdfast("put", `after/${name}`, "still");
    }
    const members = JSON.parse(await holdfast("member", "list", "--json")) as { members: { name: string }[] };
    expect(members.members.map(({ name }) => name).toSorted()).toEqual([...running.keys()].toSorted());
    expect(await holdfast("get", "k")).toBe("before\n");
  });

  it("replaces dead members by empty ones under load, and loses nothing", async () => {
    const nodes = await startThree(6);
    const { plan, running, join, leader, holdfast } = nodes;
    const clock = nodeRuntime().clock;
    const recorder = historyRecorder(clock, { maxEvents: 1_000_000 });
    const record = newWorkloadRecord();
    let killed = 0;
    for (const [round, name] of ["n4", "n5", "n6"].entries()) {
      const workload = startWorkload({ endpoints: nodes.urls(), clients: 4, recorder, record, round });
      try {
        const before = record.acknowledged.size;
        await until("something is written", 20_000, () => record.acknowledged.size > before);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 500));
        const names = [...running.keys()];
        // The leader first, then whoever.
        const victim = round === 0 ? await leader() : names[Math.floor(Math.random() * names.length)]!;
        const node = running.get(victim)!;
        node.child.kill("SIGKILL");
        await node.done;
        expect(node.child.signalCode).toBe("SIGKILL");
        killed++;
        running.delete(victim);
        await untilDone(`${victim} can be removed`, () => holdfast("member", "remove", victim));
        await join(name, [...running.keys()][0]!);
        const after = record.acknowledged.size;
        await until("writes go on", 20_000, () => record.acknowledged.size > after);
      } finally {
        await workload.stop();
      }
    }
    expect([killed, record.surprise]).toEqual([3, undefined]);
    expect(record.acknowledged.size).toBeGreaterThan(100);
    expect(await readEverything(nodes.urls(), recorder, record)).toEqual([]);
    const { verdict } = checkLinearizable(keyValue(), recorder.events, { timeoutMs: 60_000, clock });
    expect(verdict).toBe("ok");
    // One that was removed does not come back, with its data or without.
    const [gone] = plan.members.filter(({ name }) => !running.has(name));
    const old = { ...plan, members: plan.members.slice(0, 3) };
    const returned = await startNode(nodeArguments(old, gone!));
    expect(await returned.done).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("removed from its cluster") as string,
    });
    expect(readdirSync(gone!.directory).length).toBeGreaterThan(0);
  });

  it("takes in a member that is killed again and again while it joins", async () => {
    const { plan, holdfast } = await startThree(4);
    const member = plan.members[3]!;
    await holdfast("put", "k", "v");
    await untilDone("n4 can be added", () => holdfast("member", "add", "n4", "--peer", addressText(member.peer)));
    const line = nodeArguments(plan, member).filter((option) => !option.startsWith("--cluster="));
    const joining = [...line, `--join=${addressText(plan.members[1]!.gossip)}`];
    for (let life = 0; life < 8; life++) {
      const node = start(joining);
      await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 1_000));
      node.child.kill("SIGKILL");
      await node.done;
      // It never gives up by itself.
      expect([node.child.signalCode, node.stderr()]).toEqual(["SIGKILL", expect.not.stringContaining("holdfast:")]);
    }
    await startNode(joining);
    expect(await run(["get", "k", "--endpoints", clientUrlOf(plan, 3)])).toMatchObject({ code: 0, stdout: "v\n" });
    expect(await holdfast("member", "list")).toContain(addressText(member.client));
  });

  it("refuses a member under the name of one that has run, without its data", async () => {
    const { plan, running, holdfast } = await startThree(3);
    const n2 = plan.members[1]!;
    running.get("n2")!.child.kill("SIGKILL");
    await running.get("n2")!.done;
    running.delete("n2");
    rmSync(n2.directory, { recursive: true });
    const line = nodeArguments(plan, n2).filter((option) => !option.startsWith("--cluster="));
    const refused = await run([...line, `--join=${addressText(plan.members[0]!.gossip)}`]);
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining("n2 has run before")]);
    const unknown = await run([
      ...line.filter((option) => !option.startsWith("--name=")),
      "--name=n9",
      `--join=${addressText(plan.members[0]!.gossip)}`,
    ]);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("holdfast member add n9 --peer")]);
    expect(await holdfast("get", "none").catch((error: Error) => error.message)).toContain("code 1");
  });

  it("takes a member in by etcd's own options, found by its peer address", async () => {
    const { plan, holdfast, urls } = await startThree(4);
    const member = plan.members[3]!;
    await holdfast("put", "k", "v");
    const body = JSON.stringify({ peerURLs: [`http://${addressText(member.peer)}`] });
    const added = await fetch(`${urls()[0]}/v3/cluster/member/add`, { method: "POST", body });
    expect(added.status).toBe(200);
    const node = await startNode([...nodeArguments(plan, member), "--cluster-state=existing"]);
    expect(await run(["get", "k", "--endpoints", clientUrlOf(plan, 3)])).toMatchObject({ code: 0, stdout: "v\n" });
    node.child.kill("SIGKILL");
    await node.done;
    await startNode([...nodeArguments(plan, member), "--cluster-state=existing"]);
    expect(await run(["get", "k", "--endpoints", clientUrlOf(plan, 3)])).toMatchObject({ code: 0, stdout: "v\n" });
  });
});
