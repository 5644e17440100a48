import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireProgram, startCluster, startEtcd, type ClusterEndpoints, type Endpoint } from "./endpoint.ts";
import { etcdctl, normalise, verdict, type Run } from "./etcdctl.ts";

let holdfast: ClusterEndpoints;
let etcd: Endpoint;

beforeAll(async () => {
  requireProgram("etcdctl", "etcd-client");
  [holdfast, etcd] = await Promise.all([startCluster(), startEtcd()]);
});

afterAll(async () => {
  await Promise.all([holdfast?.close(), etcd?.close()]);
});

/** The value of the last event that every watch below is told. */
const last = "the last one";

/** Runs `etcdctl watch` until it prints the value of the last event, or ends by itself; gives what is printed before. */
async function watch(endpoint: Endpoint, args: readonly string[]): Promise<Run> {
  const child = spawn("etcdctl", [`--endpoints=${endpoint.client}`, "watch", ...args], {
    env: { ...process.env, ETCDCTL_API: "3" },
  });
  let stdout = "";
  let stderr = "";
  const upToLast = (): string | undefined => /^([^]*?)(?:the last one|dGhlIGxhc3Qgb25l)/.exec(stdout)?.[1];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (upToLast() !== undefined) child.kill("SIGKILL");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  return { exitCode, stdout: normalise(upToLast() ?? stdout), error: verdict(stderr) };
}

async function both(words: readonly string[]): Promise<void> {
  const [ours, theirs] = await Promise.all([etcdctl(holdfast.next(), words), etcdctl(etcd, words)]);
  expect(normalise(ours.stdout)).toBe(normalise(theirs.stdout));
  expect(ours.exitCode).toBe(0);
}

const story = [
  "put w/1 a",
  "put w/2 b",
  "put other c",
  "put w/1 d",
  "del w/2",
  "del --prefix w/",
  "put w/3 e",
  "put x f",
  "del other",
];

const watches = [
  ["w/1", "--rev=1"],
  ["w/", "--prefix", "--rev=1"],
  ["w/", "--prefix", "--rev=4"],
  ["w/", "--prefix", "--rev=1", "--prev-kv"],
  ["w/", "--prefix", "--rev=1", "--prev-kv", "-w", "json"],
  ["w/", "--prefix", "--rev=1", "-w", "fields"],
  ["w/1", "w/3", "--rev=1"],
  ["", "--prefix", "--rev=1"],
];

describe("etcdctl watch prints the same as against etcd", () => {
  beforeAll(async () => {
    for (const line of story) await both(line.split(" "));
    await both(["put", "w/1", last]);
  });

  it.each(watches.map((words) => [words.join(" "), words] as const))("%s", async (_, words) => {
    const [ours, theirs] = await Promise.all([watch(holdfast.next(), words), watch(etcd, words)]);
    expect(ours).toEqual(theirs);
    expect(ours).toMatchObject({ exitCode: null, error: "" });
    expect(ours.stdout).toMatch(/w\/1|dy8x/);
  });
});

describe("etcdctl watch", () => {
  it("tells what comes, on each member, as etcd does", async () => {
    const { stdout } = await etcdctl(etcd, ["get", "x", "-w", "json"]);
    const next = (JSON.parse(stdout) as { header: { revision: number } }).header.revision + 1;
    const words = ["live/", "--prefix", `--rev=${next}`, "--prev-kv", "-w", "json"];
    const watching = [...holdfast.members, etcd].map((endpoint) => watch(endpoint, words));
    await both(["put", "live/1", "a"]);
    await both(["put", "live/1", "b"]);
    await both(["del", "live/1"]);
    await both(["put", "live/2", last]);
    const runs = await Promise.all(watching);
    const events = runs.map(({ stdout: text }) =>
      [...text.matchAll(/{(?:"type":1,)?"kv":{[^}]*}(?:,"prev_kv":{[^}]*})?}/g)].map(String),
    );
    expect(events[0]).toHaveLength(3);
    for (const told of events) expect(told).toEqual(events[3]);
  });

  it("is told of what is compacted, with the same words", async () => {
    await both(["compaction", "6"]);
    const words = ["w/", "--prefix", "--rev=2"];
    const theirs = await watch(etcd, words);
    expect(theirs.error).toMatch(/required revision has been compacted/);
    for (const member of holdfast.members) expect(await watch(member, words)).toEqual(theirs);
  });
});
