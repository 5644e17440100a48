import { spawn } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "../process/free-ports.ts";
import { run, start, temporaryDirectory, until } from "../process/holdfast-command.ts";
import { requireProgram } from "./endpoint.ts";
import { etcdctl } from "./etcdctl.ts";

const directory = temporaryDirectory();
const inDirectory = (name: string): string => join(directory.path, name);
const undo: (() => Promise<unknown>)[] = [];

/** A server of one member: a Holdfast or an etcd, new or from a restored directory. */
interface Server {
  readonly client: string;
  readonly data: string;
}

let ours: Server;
let theirs: Server;
/** Of the filled ones, as each of them was saved. */
let files: { readonly ours: string; readonly theirs: string };

async function ask({ client }: Server, line: string, input = ""): Promise<string> {
  const { exitCode, stdout, error } = await etcdctl({ client, close: () => Promise.resolve() }, line.split(" "), input);
  if (exitCode !== 0) throw new Error(`etcdctl ${line}: ${error}`);
  return stdout;
}

/** @param snapshot to restore first; of either */
async function startHoldfast(name: string, snapshot?: string): Promise<Server> {
  const [client, peer, http, gossip] = (await freePorts(4)).map((port) => `127.0.0.1:${port}`) as [
    string,
    string,
    string,
    string,
  ];
  const data = inDirectory(name);
  const home = ["--data", data, "--name", name, "--cluster", `${name}=${peer}`];
  if (snapshot !== undefined) {
    expect(await run(["snapshot", "restore", snapshot, ...home])).toMatchObject({ code: 0 });
  }
  const node = start(["node", ...home, "--client", client, "--peer", peer, "--http", http, "--gossip", gossip]);
  undo.push(async () => {
    node.child.kill("SIGKILL");
    await node.done;
  });
  await node.firstLine();
  return { client, data };
}

/** @param snapshot to restore first, with etcdctl; of either */
async function startEtcd(name: string, snapshot?: string): Promise<Server> {
  const [client, peer] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`) as [string, string];
  const data = inDirectory(name);
  const home = [
    ["--name", name, "--data-dir", data],
    ["--initial-cluster", `${name}=http://${peer}`, "--initial-advertise-peer-urls", `http://${peer}`],
  ].flat();
  if (snapshot !== undefined) {
    await ask(nobody, ["snapshot", "restore", snapshot, ...home].join(" "));
  }
  const urls = ["--listen-client-urls", `http://${client}`, "--advertise-client-urls", `http://${client}`];
  const quick = ["--heartbeat-interval", "50", "--election-timeout", "500", "--log-level", "error"];
  const etcd = spawn("etcd", [...home, ...urls, "--listen-peer-urls", `http://${peer}`, ...quick], { stdio: "ignore" });
  const ended = new Promise((resolve) => etcd.once("exit", resolve));
  undo.push(() => {
    etcd.kill("SIGKILL");
    return ended;
  });
  await until("etcd is healthy", 20_000, async () => {
    if (etcd.exitCode !== null) throw new Error(`etcd ended with exit code ${etcd.exitCode}`);
    return await fetch(`http://${client}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
  return { client, data };
}

/** Many keys at once, some of them larger than a page. */
async function putMany({ client }: Server, from: number, bytes: number): Promise<void> {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const success = Array.from({ length: 100 }, (_, at) => ({
    request_put: { key: base64(`many/${from + at}`), value: base64(String(from + at).repeat(bytes)) },
  }));
  const body = JSON.stringify({ success });
  const response = await fetch(`http://${client}/v3/kv/txn`, { method: "POST", body });
  expect(response.ok).toBe(true);
}

const story = [
  "put a one",
  "put a two",
  "put gone soon",
  "del gone",
  "put b one",
  "compact 3 --physical",
  "put a three",
  "put c one",
  "del c",
  "lease grant 5000",
  "put leased yes --lease={lease}",
  "user add ann --no-password",
  "user add root:secret",
  "role add clerk",
  "role grant-permission clerk readwrite k/ --prefix",
  "role grant-permission clerk read z --from-key",
  "role grant-permission clerk write one",
  "user grant-role ann clerk",
  "user grant-role root root",
];

async function fill(server: Server): Promise<void> {
  let lease = "";
  for (const line of story) {
    const said = await ask(server, line.replace("{lease}", lease));
    lease = /^lease ([0-9a-f]+) granted/.exec(said)?.[1] ?? lease;
  }
  await ask(server, "put large", "x".repeat(300_000));
  for (let from = 0; from < 1000; from += 100) await putMany(server, from, from === 500 ? 2000 : 10);
  for (const key of ["many/7", "many/8"]) await ask(server, `del ${key}`);
}

async function save(server: Server, name: string): Promise<string> {
  const path = inDirectory(name);
  expect(await ask(server, `snapshot save ${path}`)).toBe(`Snapshot saved at ${path}\n`);
  return path;
}

/** For what needs no server. */
const nobody: Server = { client: "127.0.0.1:1", data: "" };

interface Status {
  readonly hash: number;
  readonly revision: number;
  readonly totalKey: number;
  readonly totalSize: number;
}

async function etcdctlStatus(path: string): Promise<Status> {
  return JSON.parse(await ask(nobody, `snapshot status ${path} -w json`)) as Status;
}

/** All that a client can see of it, without what differs between any two clusters. */
async function seen(server: Server): Promise<Record<string, string>> {
  const [, lease = ""] = (await ask(server, "lease list")).split("\n");
  const answers: Record<string, string> = {};
  for (const line of [
    "get  --prefix -w json",
    "get a --rev=3 -w json",
    "get a --rev=6 -w json",
    "get c --rev=8 -w json",
    "user list",
    "user get ann",
    "user get root",
    "role list",
    "role get clerk",
    `lease timetolive ${lease} --keys`,
  ]) {
    const answer = await ask(server, line);
    answers[line] = answer.replace(/"header":\{[^}]*\}/, "").replace(/remaining\(\d{4}s\)/, "remaining(*)");
  }
  expect(answers["get  --prefix -w json"]!.length).toBeGreaterThan(300_000);
  expect(answers[`lease timetolive ${lease} --keys`]).toContain("remaining(*), attached keys([leased])");
  return answers;
}

/** What is compacted stays so: reads are refused, and watches told where they may begin. */
async function expectCompacted(server: Server): Promise<void> {
  const endpoint = { client: server.client, close: () => Promise.resolve() };
  const read = await etcdctl(endpoint, ["get", "a", "--rev=2"]);
  expect(read.error).toContain("required revision has been compacted");
  const body = JSON.stringify({ create_request: { key: "YQ==", start_revision: 2 } });
  const watch = new AbortController();
  const response = await fetch(`http://${server.client}/v3/watch`, { method: "POST", body, signal: watch.signal });
  let told = "";
  for await (const bytes of response.body!) {
    told += Buffer.from(bytes).toString();
    if (told.includes("compact_revision")) break;
  }
  watch.abort();
  expect(told).toContain('"compact_revision":"3"');
}

/** Users may count from now on: their passwords are what they were. */
async function expectPasswords(server: Server): Promise<void> {
  await ask(server, "auth enable");
  expect(await ask(server, "--user=root:secret get a")).toBe("a\nthree\n");
  for (const refused of ["get a", "--user=root:other get a", "--user=ann:secret get a"]) {
    await expect(ask(server, refused)).rejects.toThrow(/user name is empty|authentication failed/);
  }
}

beforeAll(async () => {
  requireProgram("etcdctl", "etcd-client");
  requireProgram("etcd", "etcd-server");
  [ours, theirs] = await Promise.all([startHoldfast("n1"), startEtcd("m1")]);
  await Promise.all([fill(ours), fill(theirs)]);
  files = { ours: await save(ours, "ours.db"), theirs: await save(theirs, "theirs.db") };
});

afterAll(async () => {
  await Promise.all(undo.map((step) => step()));
  directory.remove();
});

describe.concurrent("a snapshot by etcdctl", () => {
  it("is the same to etcdctl, whether of Holdfast or of etcd", async () => {
    const [our, their] = await Promise.all([etcdctlStatus(files.ours), etcdctlStatus(files.theirs)]);
    const { revision, totalKey } = their;
    expect(our).toMatchObject({ revision, totalKey });
    expect(totalKey).toBeGreaterThan(1000);
    const table = await ask(nobody, `snapshot status ${files.ours} -w table`);
    expect(table).toMatch(new RegExp(`^\\| *[0-9a-f]+ \\| *${revision} \\| *${totalKey} \\| *[\\d.]+ MB \\|$`, "m"));
  });

  it("is the same to holdfast", async () => {
    const { code, stdout } = await run(["snapshot", "status", files.theirs, "--json"]);
    const { hash, revision, totalKey: totalKeys, totalSize: bytes } = await etcdctlStatus(files.theirs);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ file: files.theirs, hash, revision, totalKeys, bytes });
  });

  it("of Holdfast starts an etcd", async () => {
    const restored = await startEtcd("m2", files.ours);
    expect(await seen(restored)).toEqual(await seen(ours));
    await expectCompacted(restored);
    expect(await ask(restored, "put after restore")).toBe("OK\n");
    await expectPasswords(restored);
  });

  it("of etcd starts a Holdfast, whose own is as good", async () => {
    const restored = await startHoldfast("n2", files.theirs);
    expect(await seen(restored)).toEqual(await seen(theirs));
    await expectCompacted(restored);
    const again = await save(restored, "again.db");
    const { revision, totalKey } = await etcdctlStatus(files.theirs);
    expect(await etcdctlStatus(again)).toMatchObject({ revision, totalKey });
    expect(await ask(restored, "put after restore")).toBe("OK\n");
    await expectPasswords(restored);
  });

  it("is what holdfast saves", async () => {
    const file = inDirectory("own.db");
    expect(await run(["snapshot", "save", file, "--endpoints", `http://${ours.client}`])).toMatchObject({ code: 0 });
    const [{ revision, totalKey }, saved] = await Promise.all([etcdctlStatus(files.ours), etcdctlStatus(file)]);
    expect(saved).toMatchObject({ revision, totalKey });
    expect(existsSync(`${file}.part`)).toBe(false);
  });

  it("is not needed where an etcd's own file is", async () => {
    const file = inDirectory("copied.db");
    copyFileSync(join(theirs.data, "member", "snap", "db"), file);
    const refused = await run(["snapshot", "status", file]);
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining("has no SHA-256 at its end") as string });
    const { code, stdout } = await run(["snapshot", "status", file, "--skip-hash-check", "--json"]);
    expect([code, (JSON.parse(stdout) as { revision: number }).revision]).toEqual([
      0,
      (await etcdctlStatus(files.theirs)).revision,
    ]);
  });

  it("that is damaged makes no directory", async () => {
    const damaged = inDirectory("damaged.db");
    const bytes = readFileSync(files.theirs);
    bytes[20_000]! ^= 1;
    writeFileSync(damaged, bytes);
    const data = inDirectory("none");
    const home = ["--data", data, "--name", "n1", "--cluster", "n1=127.0.0.1:1"];
    const refused = await run(["snapshot", "restore", damaged, ...home]);
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining(`${damaged} is damaged`) as string });
    expect(existsSync(data)).toBe(false);
  });
});
