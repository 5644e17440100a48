import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { clientUrlOf, membersAt, nodeLine, planNodes, startNode, states } from "./gossip-nodes.ts";
import { run, until, type RunningCommand } from "./holdfast-command.ts";
import { cleanUp } from "./lone-node.ts";

afterAll(cleanUp);

async function kill({ child, done }: RunningCommand): Promise<void> {
  child.kill("SIGKILL");
  await done;
}

describe.concurrent("a node that has learned its cluster through --join", () => {
  it("remembers it, so that all may stop and those that learned start again by themselves", async () => {
    const plan = await planNodes(3);
    const learning = [1, 2].map((at) => nodeLine(plan, at, 0));
    const first = await startNode(nodeLine(plan, 0));
    const learned = await Promise.all(learning.map((line) => startNode(line)));
    expect(learned[0]?.stderr()).toContain("looking for the cluster through");
    expect(await run(["put", "a", "b", "--endpoints", clientUrlOf(plan, 1)])).toMatchObject({ code: 0 });
    await Promise.all([first, ...learned].map(kill));

    const again = await Promise.all(learning.map((line) => startNode(line)));
    expect(again[0]?.stderr()).toContain("the cluster is n1, n2, n3, as learned before\n");
    expect(again[0]?.stderr()).not.toContain("looking for");
    // Two of three are a majority; the one that was named at the beginning is away.
    expect(await run(["get", "a", "--endpoints", clientUrlOf(plan, 2)])).toMatchObject({ code: 0, stdout: "b\n" });
  });

  it("is found by the others, and finds them, once their common seed is back", async () => {
    const plan = await planNodes(2);
    const learning = nodeLine(plan, 1, 0);
    const first = await startNode(nodeLine(plan, 0));
    const second = await startNode(learning);
    await Promise.all([kill(first), kill(second)]);
    await startNode(learning);
    await startNode(nodeLine(plan, 0));
    await until("both are there", 20_000, async () => {
      return states(await membersAt(clientUrlOf(plan, 1))) === "n1 alive,n2 alive";
    });
  });

  it("refuses a file that is damaged, or tells of another cluster, with what to do", async () => {
    const plan = await planNodes(2);
    const learning = nodeLine(plan, 1, 0);
    await startNode(nodeLine(plan, 0));
    await kill(await startNode(learning));
    const other = await run([...learning, "--cluster-name=other"]);
    expect([other.code, other.stdout]).toEqual([3, ""]);
    expect(other.stderr).toContain('tells of cluster "holdfast", not "other"');

    const path = join(plan.members[1]!.directory, "learned-cluster.json");
    writeFileSync(path, readFileSync(path, "utf8").replace('"n1"', '"n7"'));
    const damaged = await run(learning);
    expect([damaged.code, damaged.stdout]).toEqual([3, ""]);
    expect(damaged.stderr).toContain(
      `${path} is damaged; remove it to learn the cluster again from a running member, or name all with --cluster`,
    );
    // What is named goes before what was learned.
    await startNode(nodeLine(plan, 1));
  });
});
