import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readMembers } from "../../packages/server/src/cli/cluster-members.ts";
import { leaderOf, statusReader } from "../../packages/server/src/client/cluster-status.ts";
import { gatewayClient, type GatewayClient } from "../../packages/server/src/client/gateway-client.ts";
import { post, WatchingPage } from "./dashboard-client.ts";
import { freePortRange } from "./free-ports.ts";
import { isRunning, start, temporaryDirectory, until, type RunningCommand } from "./holdfast-command.ts";

interface Ready {
  readonly clientUrl: string;
  readonly members: readonly { readonly name: string; readonly pid: number; readonly clientUrl: string }[];
}

const undo: (() => unknown)[] = [];

afterAll(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function up(
  data: string,
  port: number,
  ...more: readonly string[]
): Promise<RunningCommand & { readonly ready: Ready }> {
  const dashboard = more.includes("--dashboard") ? [] : ["--dashboard", "off"];
  const command = start(["up", "--json", "--data", data, "--port", String(port), ...dashboard, ...more]);
  undo.push(async () => {
    command.child.kill("SIGKILL");
    await command.done;
  });
  return { ...command, ready: JSON.parse(await command.firstLine()) as Ready };
}

function dataDirectory(): string {
  const directory = temporaryDirectory();
  undo.push(() => directory.remove());
  return join(directory.path, "data");
}

/** Kills a member and takes its data away, as when its machine burns down. */
async function loseForGood(data: string, { name, pid }: Ready["members"][number]): Promise<void> {
  process.kill(pid, "SIGKILL");
  await until(`${name} is gone`, 5000, () => !isRunning(pid));
  rmSync(join(data, name), { recursive: true });
}

/** A command each would take longer than all the rest. */
function clientOf(...endpoints: readonly string[]): GatewayClient {
  const client = gatewayClient({ endpoints, timeoutMs: 20_000 });
  undo.push(() => client.close());
  return client;
}

async function valueOf(key: string, endpoint: string): Promise<string> {
  const { pairs } = await clientOf(endpoint).range({ key: Buffer.from(key) });
  return Buffer.from(pairs[0]?.value ?? []).toString();
}

const namesOf = (members: readonly { readonly name: string }[]): string[] => members.map(({ name }) => name).toSorted();

/** Looks again and again whether a majority of the voters answers; a change of the voters must not take that away. */
function watchVoters(urls: readonly string[]): {
  readonly changes: string[];
  readonly broken: string[];
  stop(): Promise<void>;
} {
  const reader = statusReader({ timeoutMs: 1_000 });
  const changes: string[] = [];
  const broken: string[] = [];
  const stop = new AbortController();
  const watching = (async () => {
    let before = "";
    while (!stop.signal.aborted) {
      const answers = (await Promise.allSettled(urls.map((url) => reader.member(url)))).flatMap((answer) =>
        answer.status === "fulfilled" ? [answer.value] : [],
      );
      const leader = leaderOf(answers.map(({ member: { name, role, term } }) => ({ name, role, term })));
      const voters = answers
        .find(({ member }) => member.name === leader)
        ?.members.filter(({ isLearner }) => !isLearner);
      const now = namesOf(voters ?? []).join();
      if (voters !== undefined && now !== before) {
        const answering = voters.filter(({ id }) => answers.some(({ member }) => member.id === id)).length;
        changes.push(now);
        if (answering * 2 <= voters.length) broken.push(`${answering} of ${now}`);
        before = now;
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    reader.close();
  })();
  return {
    changes,
    broken,
    async stop() {
      stop.abort();
      await watching;
    },
  };
}

/** The new member can be struck like the others, and the one that is gone no longer. */
async function strikeNewcomer(page: WatchingPage, port: number): Promise<void> {
  const targets = (): readonly string[] => page.faults?.targets.map(({ name }) => name).toSorted() ?? [];
  const all = ["n1", "n3", "n4"].flatMap((name) => [`member-${name}`, `peers-${name}`]).toSorted();
  await page.until("the targets are those who are members", 5_000, () => targets().join() === all.join());
  const origin = `http://127.0.0.1:${port}/holdfast/v1/dashboard`;
  const order = { target: "peers-n4", kind: "partition", durationMs: 60_000, force: true };
  expect((await post(`${origin}/faults`, order)).status).toBe(201);
  const links = (): readonly string[] =>
    page.cluster?.members.flatMap(({ name, links: own }) =>
      own.filter(({ state, source }) => state === "down" && source === "raft").map(({ to }) => `${name} ${to}`),
    ) ?? [];
  // Its leader, or whoever follows it: both ways between them.
  await page.until("n4 is cut off, from both sides", 10_000, () =>
    ["n1", "n3"].some((other) => links().includes(`n4 ${other}`) && links().includes(`${other} n4`)),
  );
  expect((await post(`${origin}/heal`, {})).status).toBe(200);
  await page.until("nothing is cut any more", 10_000, () => links().length === 0 && page.cluster?.leader !== null);
}

describe.concurrent("holdfast up", () => {
  it("puts a new member in the place of one that is gone for good, while it runs and when it starts", async () => {
    const data = dataDirectory();
    const port = await freePortRange(80);
    const first = await up(data, port, "--allow-faults", "--dashboard", String(port + 79));
    const page = new WatchingPage(`http://127.0.0.1:${port + 79}`);
    undo.push(() => page.close());
    const urls = first.ready.members.map(({ clientUrl }) => clientUrl);
    const client = clientOf(...urls);
    const written: string[] = [];
    const write = async (count: number): Promise<void> => {
      for (let number = 0; number < count; number++) {
        const key = `k${String(written.length).padStart(5, "0")}`;
        await client.put({ key: Buffer.from(key), value: Buffer.from(key) });
        written.push(key);
      }
    };
    const watch = watchVoters(urls);
    try {
      await write(50);
      await loseForGood(data, first.ready.members[1]!);
      // Two of three serve, all the time.
      await until("n4 is there in place of n2", 30_000, async () => {
        await write(5);
        return first.stderr().includes("healing: at full strength again");
      });
    } finally {
      await watch.stop();
    }
    expect(first.stderr()).toContain("n2 is not started any more: its data is not in");
    expect(watch.changes).toEqual(["n1,n2,n3", "n1,n2,n3,n4", "n1,n3,n4"]);
    expect(watch.broken).toEqual([]);
    const members = await readMembers(client);
    expect([namesOf(members), members.some(({ isLearner }) => isLearner)]).toEqual([["n1", "n3", "n4"], false]);
    // Clients find the new member where the old one was, and all data with it.
    const n4 = members.find(({ name }) => name === "n4")!;
    expect(n4.clientUrls).toEqual([first.ready.members[1]!.clientUrl]);
    const { pairs } = await client.range({ key: Buffer.from("k"), rangeEnd: Buffer.from("l") });
    expect(pairs.map(({ key }) => Buffer.from(key).toString())).toEqual(written);
    expect(await valueOf(written.at(-1)!, n4.clientUrls[0]!)).toBe(written.at(-1)!);
    expect(readdirSync(data).toSorted()).toEqual(["cluster.json", "n1", "n3", "n4"]);
    await strikeNewcomer(page, port + 79);

    first.child.kill("SIGINT");
    expect((await first.done).code).toBe(0);
    rmSync(join(data, "n1"), { recursive: true });
    const second = await up(data, port);
    expect(namesOf(second.ready.members.filter(({ pid }) => pid !== undefined))).toEqual(["n3", "n4"]);
    await until("n5 is there in place of n1", 30_000, () => second.stderr().includes("at full strength again"));
    expect(second.stderr()).toContain("n1 is not started any more");
    expect(namesOf(await readMembers(client))).toEqual(["n3", "n4", "n5"]);
    expect(await valueOf(written[0]!, urls[0]!)).toBe(written[0]);
    second.child.kill("SIGTERM");
    expect((await second.done).code).toBe(0);
  });

  it("leaves the place of a lost member empty when told to, and goes on without it", async () => {
    const data = dataDirectory();
    const port = await freePortRange(40);
    const cluster = await up(data, port, "--no-heal");
    const [, , third] = cluster.ready.members;
    await loseForGood(data, third!);
    await until("n3 is given up", 10_000, () => cluster.stderr().includes("n3 is not started any more"));
    const client = clientOf(...cluster.ready.members.map(({ clientUrl }) => clientUrl));
    await client.put({ key: Buffer.from("a"), value: Buffer.from("b") });
    expect(namesOf(await readMembers(client))).toEqual(["n1", "n2", "n3"]);
    expect(cluster.stderr()).not.toContain("healing");
    cluster.child.kill("SIGTERM");
    const { code, stderr } = await cluster.done;
    expect([code, stderr.trimEnd().split("\n").at(-1)]).toEqual([0, expect.stringMatching(/--no-heal/)]);
  });
});
