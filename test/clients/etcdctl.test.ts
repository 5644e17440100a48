import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireProgram, startCluster, startEtcd, type ClusterEndpoints, type Endpoint } from "./endpoint.ts";
import { etcdctl, normalise } from "./etcdctl.ts";

let holdfast: ClusterEndpoints;
let etcd: Endpoint;

beforeAll(async () => {
  requireProgram("etcdctl", "etcd-client");
  [holdfast, etcd] = await Promise.all([startCluster(), startEtcd()]);
});

afterAll(async () => {
  await Promise.all([holdfast?.close(), etcd?.close()]);
});

type Step = readonly [args: string, input?: string];

/**
 * The same commands in the same order against both, so that revisions agree too. Of the cluster, each command asks
 * another member than the one before.
 */
const story: readonly Step[] = [
  ["put foo bar"],
  ["put foo baz --prev-kv"],
  ["put foo qux --prev-kv -w json"],
  ["put from-stdin", "a value\nof two lines"],
  ["put too-large", "x".repeat(1_600_000)],
  ["put missing --ignore-value"],
  ["put foo --ignore-value"],
  ["put foo again --ignore-lease"],
  ["put foo bar --lease=4d"],
  ["get foo"],
  ["get foo -w json"],
  ["get foo -w fields"],
  ["get foo -w simple --print-value-only"],
  ["get foo --hex"],
  ["get foo --consistency=s"],
  ["get nothing"],
  ["get nothing -w json"],
  ["put k/1 d"],
  ["put k/2 c"],
  ["put k/3 b"],
  ["put k/4 a"],
  ["put k/2 e"],
  ["put empty-value -- "],
  ["get --prefix k/"],
  ["get --prefix k/ -w json"],
  ["get --prefix k/ -w fields"],
  ["get k/2 k/4"],
  ["get --from-key k/3"],
  ["get --from-key k/3 --limit=1 -w json"],
  ["get --prefix k/ --limit=2"],
  ["get --prefix k/ --limit=2 -w json"],
  ["get --prefix k/ --keys-only"],
  ["get --prefix k/ --count-only -w fields"],
  ["get --prefix k/ --count-only -w json"],
  ["get --prefix k/ --order=DESCEND"],
  ["get --prefix k/ --order=ASCEND --sort-by=VALUE"],
  ["get --prefix k/ --order=DESCEND --sort-by=VALUE"],
  ["get --prefix k/ --sort-by=CREATE --order=DESCEND"],
  ["get --prefix k/ --sort-by=MODIFY --order=DESCEND"],
  ["get --prefix k/ --sort-by=VERSION --order=DESCEND --limit=1"],
  ["get --prefix k/ --sort-by=VALUE --limit=2"],
  ["get --prefix --keys-only -- "],
  ["get foo --rev=2"],
  ["get foo --rev=3 -w json"],
  ["get foo --rev=9999"],
  ["txn", 'value("k/1") = "d"\n\nput k/1 yes\nget k/1\n\nput k/1 no\n\n'],
  ["txn", 'value("k/1") = "d"\n\nput k/1 yes\n\nput k/1 no\nget --prefix k/\n\n'],
  ["txn -i", 'mod("k/3") > "1"\ncreate("nothing") = "0"\nversion("k/2") = "2"\n\ndel k/3\nget k/3\nput k/5 five\n\n\n'],
  ["txn -w json", 'version("k/5") = "1"\n\nget k/5\nput k/6 six\nget k/6\ndel k/5 --prev-kv\n\n\n'],
  ["txn", "\nput same 1\nput same 2\n\n\n"],
  ["txn", "\n\n\n"],
  ["del nothing"],
  ["del k/1"],
  ["del k/2 --prev-kv"],
  ["del --prefix k/ --prev-kv"],
  ["del --prefix k/ -w json"],
  ["del --from-key foo -w fields"],
  ["compaction --physical 5"],
  ["compaction 5"],
  ["compaction 9999"],
  ["get foo --rev=4"],
  ["get foo --rev=5"],
  ["get foo --rev=6"],
  ["alarm list"],
];

describe("etcdctl prints the same as against etcd", () => {
  it.each(story.map(([args, input = ""]) => [args, input] as const))("%s", async (args, input) => {
    const words = args.split(" ");
    const member = holdfast.next();
    // What reads a member's own state is promised no more than that; a linearizable read there first brings it up to date.
    if (args.includes("--consistency=s")) await etcdctl(member, ["get", "foo"]);
    const [ours, theirs] = await Promise.all([etcdctl(member, words, input), etcdctl(etcd, words, input)]);
    expect(normalise(ours.stdout)).toBe(normalise(theirs.stdout));
    expect(ours.error).toBe(theirs.error);
    expect(ours.exitCode).toBe(theirs.exitCode);
  });

  it("reaches every kind of refusal in the commands above", async () => {
    const refusals = [
      ["get foo --rev=4", "Error: etcdserver: mvcc: required revision has been compacted"],
      ["get foo --rev=9999", "Error: etcdserver: mvcc: required revision is a future revision"],
      ["put missing --ignore-value", "Error: etcdserver: key not found"],
      ["put foo bar --lease=4d", "Error: etcdserver: requested lease not found"],
    ] as const;
    for (const [args, error] of refusals) {
      for (const member of holdfast.members) {
        expect(await etcdctl(member, args.split(" "))).toMatchObject({ error });
      }
    }
  });
});

describe("etcdctl about the cluster", () => {
  it("says that each member is healthy", async () => {
    const theirs = await etcdctl(etcd, ["endpoint", "health"]);
    for (const member of holdfast.members) {
      const ours = await etcdctl(member, ["endpoint", "health"]);
      expect(normalise(ours.error + ours.stdout)).toBe(normalise(theirs.error + theirs.stdout));
      expect(ours).toMatchObject({ exitCode: 0 });
      expect(normalise(ours.error + ours.stdout)).toMatch(/is healthy: successfully committed proposal: took = \*/);
    }
  });

  it("finds every member through one", async () => {
    for (const member of holdfast.members) {
      const { exitCode, stdout, error } = await etcdctl(member, ["endpoint", "health", "--cluster"]);
      expect(exitCode).toBe(0);
      for (const { client } of holdfast.members) {
        expect(stdout + error).toContain(`http://${client} is healthy: successfully committed proposal`);
      }
    }
  });

  it("shows every member's status, with one leader", async () => {
    const all = { ...holdfast.leader, client: holdfast.members.map(({ client }) => client).join(",") };
    const { stdout } = await etcdctl(all, ["endpoint", "status", "-w", "json"]);
    const answers = JSON.parse(stdout) as readonly { Endpoint: string; Status: Record<string, unknown> }[];
    expect(answers.map((answer) => answer.Endpoint)).toEqual(holdfast.members.map(({ client }) => client));
    const ids = new Set<unknown>();
    for (const { Endpoint: endpoint, Status: status } of answers) {
      expect(status).toMatchObject({ version: "3.4.23", raftIndex: status["raftAppliedIndex"] });
      expect(status["raftIndex"]).toBeGreaterThan(20);
      const { member_id: id, cluster_id: cluster } = status["header"] as Record<string, unknown>;
      ids.add(id).add(cluster).add(status["leader"]);
      expect(id === status["leader"]).toBe(endpoint === holdfast.leader.client);
    }
    // Three members and one cluster: all name the same leader, which is one of them.
    expect(ids.size).toBe(4);
  });

  it("shows a member's status as a line that says whether it leads", async () => {
    for (const member of holdfast.members) {
      const { stdout } = await etcdctl(member, ["endpoint", "status"]);
      expect(stdout).toMatch(/^127\.0\.0\.1:\d+, [0-9a-f]+, 3\.4\.23, .*, (true|false), false, \d+, \d+, \d+, *$/m);
      expect(stdout.includes(", true, false, ")).toBe(member === holdfast.leader);
    }
  });

  it("takes endpoints as URLs, which this client sends as the authority", async () => {
    const urls = holdfast.members.map(({ client }) => `http://${client}`);
    for (const member of holdfast.members) {
      const one = await etcdctl({ ...member, client: `http://${member.client}` }, ["endpoint", "status"]);
      expect(one).toMatchObject({ exitCode: 0 });
      expect(one.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+, [0-9a-f]+, 3\.4\.23, /);
      const { stdout } = await etcdctl(member, ["endpoint", "status", "--cluster", "-w", "json"]);
      const answers = JSON.parse(stdout) as readonly { Endpoint: string }[];
      expect(answers.map((answer) => answer.Endpoint).toSorted()).toEqual(urls.toSorted());
    }
  });

  it("lists the members, the same on each", async () => {
    const lists = await Promise.all(
      holdfast.members.map((member) => etcdctl(member, ["member", "list", "-w", "json"])),
    );
    const parsed = lists.map(({ stdout, exitCode }) => {
      expect(exitCode).toBe(0);
      return (JSON.parse(stdout) as { members: readonly Record<string, unknown>[] }).members;
    });
    // They come by their ids.
    const byName = parsed[0]?.toSorted((one, other) => (String(one["name"]) < String(other["name"]) ? -1 : 1));
    expect(byName?.map((member) => [member["name"], member["clientURLs"]])).toEqual(
      holdfast.members.map(({ client }, at) => [`n${at + 1}`, [`http://${client}`]]),
    );
    expect(parsed[1]).toEqual(parsed[0]);
    expect(parsed[2]).toEqual(parsed[0]);
    const lines = (await etcdctl(holdfast.follower, ["member", "list"])).stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    const named = lines.map((line) =>
      /^[0-9a-f]+, started, (n\d), http:\/\/[\d.:]+, http:\/\/[\d.:]+, false$/.exec(line),
    );
    expect(new Set(named.map((match) => match?.[1]))).toEqual(new Set(["n1", "n2", "n3"]));
  });

  it("works through all members at once", async () => {
    const all = { ...holdfast.leader, client: holdfast.members.map(({ client }) => client).join(",") };
    expect(await etcdctl(all, ["put", "all", "of them"])).toMatchObject({ exitCode: 0, stdout: "OK\n" });
    for (const member of holdfast.members) {
      expect((await etcdctl(member, ["get", "all", "--print-value-only"])).stdout).toBe("of them\n");
    }
  });
});
