import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "../process/free-ports.ts";
import { startRealCluster, type RealCluster } from "../process/real-cluster.ts";
import { planNodes, startNode } from "../process/gossip-nodes.ts";
import { cleanUp } from "../process/lone-node.ts";
import { addressText, nodeArguments } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { run, start, temporaryDirectory, until } from "../process/holdfast-command.ts";
import { requireProgram } from "./endpoint.ts";
import { startEtcdCluster, type EtcdCluster } from "./etcd-cluster.ts";
import { etcdctl, type Run } from "./etcdctl.ts";

/** One of the two clusters, asked through all its members or one of them. */
interface Side {
  readonly clients: readonly string[];
  readonly ask: (line: string, endpoints?: string) => Promise<Run>;
  /** Ids by name. */
  readonly ids: () => Promise<ReadonlyMap<string, string>>;
  /** Of a member that runs. */
  readonly peerUrl: () => Promise<string>;
}

let holdfast: RealCluster;
let etcd: EtcdCluster;
let sides: readonly [ours: Side, theirs: Side];
let peerPort: number;

function side(clients: readonly string[]): Side {
  const ask = (line: string, endpoints = clients.join()): Promise<Run> =>
    etcdctl({ client: endpoints, close: () => Promise.resolve() }, line.split(" "));
  return {
    clients,
    ask,
    async peerUrl() {
      const { stdout } = await ask("member list");
      return (
        stdout
          .split("\n")
          .find((line) => line.includes(", started,"))
          ?.split(", ")[3] ?? "?"
      );
    },
    async ids() {
      const { stdout } = await ask("member list");
      const rows = stdout
        .trim()
        .split("\n")
        .map((line) => line.split(", "));
      return new Map(rows.map(([id = "", , name = ""]) => [name, id]));
    },
  };
}

beforeAll(async () => {
  requireProgram("etcdctl", "etcd-client");
  [holdfast, etcd] = await Promise.all([startRealCluster(3), startEtcdCluster(3)]);
  const ours = holdfast.plan.members.map(({ client }) => addressText(client));
  sides = [side(ours), side(etcd.members.map(({ client }) => client))];
  [peerPort] = (await freePorts(1)) as [number];
  await Promise.all(sides.map((one) => one.ask("put some thing")));
  // An id comes of the address and the second, and a removed one cannot come back.
  let probe = 7;
  // etcd wants all to have been connected for five seconds before it changes its members.
  await until("etcd takes a member", 20_000, async () => {
    const added = await sides[1].ask(`member add probe --learner --peer-urls=http://127.0.0.1:${probe++}`);
    if (added.exitCode !== 0) return false;
    const [, id] = /Member +([0-9a-f]+) added/.exec(added.stdout) ?? [];
    return (await sides[1].ask(`member remove ${id}`)).exitCode === 0;
  });
});

afterAll(async () => {
  await Promise.all([holdfast?.close(), etcd?.close()]);
});

/** Without what differs between any two clusters. */
function plain({ exitCode, stdout, error }: Run): Run {
  const text = (value: string): string =>
    value
      .replaceAll(
        /"(cluster_id|member_id|raft_term|ID|leader|hash|raftIndex|raftAppliedIndex|dbSize|dbSizeInUse|revision|raftTerm)":\d+/g,
        '"$1":"*"',
      )
      .replaceAll(/\b[0-9a-f]{12,16}\b/g, "ID")
      .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:*")
      .replaceAll(/\b([mn]\d|fourth)\b/g, "NAME")
      .replaceAll(/ +/g, " ")
      // Members come in the order of their ids.
      .replaceAll(/(?<=\[)(?=\{)|,(?=\{)|(?<=\})(?=\])/g, "\n")
      .replaceAll(/took = [\d.]+[a-zµ]+/g, "took = *")
      .split("\n")
      .toSorted()
      .join("\n");
  return { exitCode, stdout: text(stdout), error: text(error) };
}

/** Asks both alike. `line` may name a member by its place in the order of names, as {0}, the member added as {new}, and where one that runs is reached as {url}. */
async function both(line: string, added: readonly (string | undefined)[] = []): Promise<readonly [Run, Run]> {
  const [ours, theirs] = await Promise.all(
    sides.map(async (one, at) => {
      const names = [...(await one.ids())].filter(([name]) => name !== "").toSorted(([a], [b]) => (a < b ? -1 : 1));
      const filled = line
        .replace(/\{(\d)\}/, (_, place) => names[Number(place)]?.[1] ?? "?")
        .replace("{new}", added[at] ?? "?")
        .replace("{url}", await one.peerUrl());
      return await one.ask(filled);
    }),
  );
  return [ours!, theirs!];
}

async function expectAlike(line: string, added?: readonly (string | undefined)[]): Promise<readonly [Run, Run]> {
  const answers = await both(line, added);
  expect(plain(answers[0]), line).toEqual(plain(answers[1]));
  return answers;
}

describe("etcdctl prints and ends the same against a cluster of Holdfast and one of etcd", () => {
  it("changes members", async () => {
    const url = `http://127.0.0.1:${peerPort}`;
    await expectAlike("member list");
    await expectAlike("member list -w json");
    const answers = await expectAlike(`member add fourth --learner --peer-urls=${url}`);
    const added = answers.map(({ stdout }) => /Member +([0-9a-f]+) added/.exec(stdout)?.[1]);
    for (const line of [
      "member list",
      "member list -w json",
      "member add fifth --peer-urls={url}",
      "member add fifth --learner --peer-urls=http://127.0.0.1:1",
      "member add fifth --peer-urls=nonsense",
      "member promote {new}",
      "member promote {0}",
      "member promote 1234",
      "member list",
      // Listed now, the learner would be none in etcd, which forgets it with the update.
      "member update {new} --peer-urls=http://127.0.0.1:2",
      "member update 1234 --peer-urls=http://127.0.0.1:3",
      "member remove {new}",
      "member remove {new}",
      "member remove 1234",
      "member remove nonsense",
      "member list",
    ]) {
      await expectAlike(line, added);
    }
  });

  it("looks after members", async () => {
    for (const line of [
      "endpoint health",
      "endpoint status -w json",
      "alarm list",
      "alarm list -w json",
      "alarm disarm",
      "defrag",
      "move-leader 1234",
    ]) {
      await expectAlike(line);
    }
  });

  it("hashes the same keys the same on every member", async () => {
    for (const one of sides) {
      expect((await one.ask("put k v")).exitCode).toBe(0);
      let hashes: readonly string[] = [];
      await until("all hash alike", 10_000, async () => {
        const { stdout } = await one.ask("endpoint hashkv");
        hashes = stdout
          .trim()
          .split("\n")
          .map((line) => line.split(", ")[1]!);
        return hashes.length === 3 && new Set(hashes).size === 1;
      });
      expect(Number(hashes[0])).toBeGreaterThan(0);
    }
    await expectAlike("endpoint hashkv --rev=99");
  });

  it("moves the leader", async () => {
    for (const one of sides) {
      const leaderOf = async (): Promise<string | undefined> => {
        const { stdout } = await one.ask("endpoint status");
        return stdout
          .split("\n")
          .find((line) => line.split(", ")[4] === "true")
          ?.split(", ")[1];
      };
      const leader = await leaderOf();
      const to = [...(await one.ids()).values()].find((id) => id !== leader)!;
      const { exitCode, stdout } = await one.ask(`move-leader ${to}`);
      expect([exitCode, stdout]).toEqual([0, `Leadership transferred from ${leader} to ${to}\n`]);
      expect(await leaderOf()).toBe(to);
    }
  });

  it("saves a snapshot, from which a cluster starts", async () => {
    const directory = temporaryDirectory();
    try {
      const path = join(directory.path, "saved");
      const [ours] = sides;
      await ours.ask("put saved before");
      const saved = await ours.ask(`snapshot save ${path}`, ours.clients[1]);
      expect(saved).toMatchObject({ exitCode: 0, stdout: `Snapshot saved at ${path}\n` });
      expect(statSync(path).size % 512).toBe(32);
      const bytes = readFileSync(path);
      const digest = createHash("sha256").update(bytes.subarray(0, -32)).digest();
      expect(bytes.subarray(-32).equals(digest)).toBe(true);
      expect(existsSync(`${path}.part`)).toBe(false);
      const ports = await freePorts(4);
      const [peer, client, http, gossip] = ports.map((port) => `127.0.0.1:${port}`);
      const data = join(directory.path, "data");
      const home = ["--data", data, "--name", "r1", "--cluster", `r1=${peer}`];
      const line = ["snapshot", "restore", path, ...home];
      expect(await run(line)).toMatchObject({ code: 0 });
      expect(await run(line)).toMatchObject({ code: 3, stderr: expect.stringContaining("is not empty") as string });
      const node = start([
        "node",
        ...home,
        `--client=${client}`,
        `--peer=${peer}`,
        `--http=${http}`,
        `--gossip=${gossip}`,
      ]);
      try {
        await node.firstLine();
        const { stdout } = await ours.ask("get saved", client);
        expect(stdout).toBe("saved\nbefore\n");
        const members = await ours.ask("member list", client);
        expect(members.stdout).toMatch(/^ *[0-9a-f]+, started, r1, .*, false\n$/);
      } finally {
        node.child.kill("SIGKILL");
        await node.done;
      }
    } finally {
      directory.remove();
    }
  });
});

describe("a store that is full", () => {
  it("is told and cleared as etcd's is, on every member", async () => {
    const quota = 1_000_000;
    const plan = await planNodes(3);
    const [real] = await Promise.all([
      startEtcdCluster(3, `--quota-backend-bytes=${quota}`),
      ...plan.members.map((member) => startNode([...nodeArguments(plan, member), `--quota-bytes=${quota}`])),
    ]);
    try {
      const clients = plan.members.map(({ client }) => addressText(client));
      const pair = [side(clients), side(real.members.map(({ client }) => client))];
      for (const one of pair) await fill(one);
      const asked = async (line: string): Promise<void> => {
        const [ours, theirs] = await Promise.all(pair.map((one) => one.ask(line)));
        expect(alarmless(plain(ours!)), line).toEqual(alarmless(plain(theirs!)));
      };
      for (const line of [
        "put k v",
        "lease grant 60",
        "alarm list",
        "get big/0 --count-only -w fields",
        "endpoint health",
        "del --prefix big/",
      ]) {
        await asked(line);
      }
      for (const one of pair) {
        const { stdout } = await one.ask("get none -w json");
        const { revision } = (JSON.parse(stdout) as { header: { revision: number } }).header;
        expect((await one.ask(`compact ${revision}`)).exitCode).toBe(0);
        // etcd gives room back only then.
        expect((await one.ask("defrag")).exitCode).toBe(0);
      }
      await asked("put still refused");
      await asked("alarm disarm");
      await asked("alarm list");
      await asked("put k v");
      await asked("get k");
    } finally {
      await Promise.all([cleanUp(), real.close()]);
    }
  });
});

/** Whose alarm it is, and how many raised it before they heard of each other, depends on who was asked. */
function alarmless({ exitCode, stdout, error }: Run): Run {
  const once = [...new Set(stdout.replaceAll(/memberID:\w+/g, "memberID:*").split("\n"))].join("\n");
  return {
    exitCode,
    stdout: once.replaceAll(/"(Revision|Count|MemberID|ClusterID|RaftTerm)" : \d+/g, '"$1" : *').replace(/^\d+$/m, "*"),
    error,
  };
}

/** Until it takes no more. */
async function fill(one: Side): Promise<void> {
  const value = "x".repeat(50_000);
  for (let at = 0; at < 100; at++) {
    const { exitCode, error } = await one.ask(`put big/${at} ${value}`, one.clients[at % 3]);
    if (exitCode === 0) continue;
    expect(error).toBe("Error: etcdserver: mvcc: database space exceeded");
    return;
  }
  throw new Error("a store of 1 MB took 5 MB");
}
