import { afterEach, expect, it } from "vitest";
import { addressText, nodeArguments } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { clientUrlOf, nodeLine, planNodes, startNode } from "./gossip-nodes.ts";
import type { StatusDocument } from "../../packages/server/src/http/member-status.ts";
import { run, until, type RunningCommand } from "./holdfast-command.ts";
import { cleanUp } from "./lone-node.ts";

afterEach(cleanUp);

it("a witness of its own process votes for two members, of which either may die, and serves no client", async () => {
  const plan = await planNodes(3);
  const two = { ...plan, members: plan.members.slice(0, 2) };
  const [first, second] = await Promise.all(two.members.map((member) => startNode(nodeArguments(two, member))));
  const endpoints = ["--endpoints", [0, 1].map((at) => clientUrlOf(plan, at)).join()];
  const holdfast = async (...line: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run([...line, ...endpoints]);
    return code === 0 ? stdout : `code ${code}: ${stderr}`;
  };
  const witness = plan.members[2]!;
  const add = ["member", "add", witness.name, "--peer", addressText(witness.peer), "--witness"];
  await until("the witness is added", 20_000, async () => (await holdfast(...add)).includes(", a witness"));
  const line = nodeLine({ ...plan, members: [...two.members, witness] }, 2, 0);
  const voting = await startNode(line);
  const url = clientUrlOf(plan, 2);
  await until("it is healthy", 20_000, async () => (await fetch(`${url}/health`)).status === 200);
  expect(await holdfast("member", "list")).toMatch(new RegExp(`${witness.name} +witness +\\S+ +-`));
  const refused = await fetch(`${url}/v3/kv/range`, { method: "POST", body: JSON.stringify({ key: "aw==" }) });
  expect(await refused.json()).toMatchObject({
    code: 14,
    message: "holdfast: a witness holds no state: ask another member",
  });

  second!.child.kill("SIGKILL");
  await second!.done;
  await until("a write without the second", 20_000, async () => (await holdfast("put", "k", "1")).includes("revision"));
  // It comes back with what it learned, though the one it learned from may be gone by then.
  voting.child.kill("SIGKILL");
  await voting.done;
  await startNode(line);
  await until("a write with the witness again", 20_000, async () =>
    (await holdfast("put", "k", "2")).includes("revision"),
  );
  await startNode(nodeArguments(two, two.members[1]!));
  await until("the second has caught up", 20_000, async () => {
    const { stdout } = await run(["get", "k", "--endpoints", clientUrlOf(plan, 1)]);
    return stdout === "2\n";
  });
  first!.child.kill("SIGKILL");
  await first!.done;
  await until("a write without the first", 20_000, async () => (await holdfast("put", "k", "3")).includes("revision"));
  expect(await holdfast("get", "k")).toBe("3\n");
});

it("a cluster that begins with a witness decides after one of its two full members is killed, and it comes back", async () => {
  const plan = await planNodes(3);
  const [first, second, witness] = plan.members as [
    (typeof plan.members)[0],
    (typeof plan.members)[0],
    (typeof plan.members)[0],
  ];
  const line = (at: number): string[] => [...nodeLine(plan, at), `--witness=${witness.name}`];
  const unlike = await run(nodeLine(plan, 0).concat("--witness=n1,n3"));
  expect(unlike).toMatchObject({ code: 2, stderr: expect.stringContaining("must not be a majority of --cluster") });
  const [killed] = (await Promise.all([0, 1, 2].map((at) => startNode(line(at))))) as [RunningCommand];
  const ask = async (at: number, method: string, body: object): Promise<{ status: number; body: unknown }> => {
    const answer = await fetch(`${clientUrlOf(plan, at)}/v3/kv/${method}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json() };
  };
  const put = async (value: string): Promise<boolean> =>
    (await ask(1, "put", { key: btoa("k"), value: btoa(value) })).status === 200;
  await until("a write", 20_000, () => put("1"));
  const { members } = await membersStatus(clientUrlOf(plan, 1));
  expect(members.map(({ name, isWitness = false }) => `${name} ${isWitness}`).toSorted()).toEqual([
    `${first.name} false`,
    `${second.name} false`,
    `${witness.name} true`,
  ]);
  expect(await ask(2, "range", { key: btoa("k") })).toMatchObject({
    body: { message: "holdfast: a witness holds no state: ask another member" },
  });
  killed.child.kill("SIGKILL");
  await killed.done;
  await until(`a write without ${first.name}`, 20_000, () => put("2"));
  await startNode(line(0));
  await until(
    `${first.name} has caught up`,
    20_000,
    async () => (await ask(0, "range", { key: btoa("k") })).status === 200,
  );
  expect(await ask(0, "range", { key: btoa("k") })).toMatchObject({ body: { kvs: [{ value: btoa("2") }] } });
});

async function membersStatus(url: string): Promise<StatusDocument> {
  return (await (await fetch(`${url}/holdfast/v1/status`)).json()) as StatusDocument;
}
