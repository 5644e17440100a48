import { execFile } from "node:child_process";
import { connect } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addressText, type ClusterPlan } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { certificateAuthority } from "./certificates.ts";
import { nodeLine, planNodes, startNode } from "./gossip-nodes.ts";
import { run, type RunningCommand } from "./holdfast-command.ts";
import { cleanUp } from "./lone-node.ts";

const authority = certificateAuthority();
const other = certificateAuthority();
const [server, peer, root, ann] = ["server", "peer", "root", "ann"].map((name) => authority.issue(name));
const stranger = other.issue("root");

let plan: ClusterPlan;
let nodes: RunningCommand[];

beforeAll(async () => {
  plan = await planNodes(3);
  nodes = await Promise.all([0, 1, 2].map((at) => startNode([...nodeLine(plan, at), ...security])));
});

afterAll(async () => {
  await cleanUp();
  authority.remove();
  other.remove();
});

const security = [
  ["--cert-file", server!.cert, "--key-file", server!.key, "--client-cert-auth", "--trusted-ca-file", server!.ca],
  ["--peer-cert-file", peer!.cert, "--peer-key-file", peer!.key, "--peer-trusted-ca-file", peer!.ca],
].flat();

const endpoints = (): string => plan.members.map(({ client }) => `https://${addressText(client)}`).join(",");
const as = ({ cert, key, ca }: typeof server & {}): string[] => ["--cacert", ca, "--cert", cert, "--key", key];

const holdfast = (...line: string[]) => run([...line, "--endpoints", endpoints(), ...as(root!)]);

/** What etcdctl says, good or bad. */
async function etcdctl(files: typeof server & {}, ...args: string[]): Promise<string> {
  const line = [`--endpoints=${endpoints()}`, "--command-timeout=30s", "--dial-timeout=10s", ...as(files), ...args];
  const env = { ...process.env, ETCDCTL_API: "3" };
  return await promisify(execFile)("etcdctl", line, { env }).then(
    ({ stdout }) => stdout,
    (error: { readonly stderr: string }) => error.stderr,
  );
}

describe("a cluster all in TLS", () => {
  it("serves our commands and etcdctl, through every member", async () => {
    expect(await holdfast("put", "greeting", "hello", "--json")).toMatchObject({ code: 0 });
    for (const { client } of plan.members) {
      const line = ["get", "greeting", "--endpoints", `https://${addressText(client)}`, ...as(root!)];
      expect(await run(line)).toMatchObject({ code: 0, stdout: "hello\n" });
    }
    expect(await etcdctl(root!, "get", "greeting", "--print-value-only")).toBe("hello\n");
    const { stdout } = await holdfast("status", "--json");
    const { members } = JSON.parse(stdout) as { members: readonly { clientUrl: string; alive: boolean }[] };
    expect(members.map(({ alive }) => alive)).toEqual([true, true, true]);
    for (const { clientUrl } of members) expect(clientUrl).toMatch(/^https:/);
    expect((await holdfast("members")).stdout.match(/● alive/g)).toHaveLength(3);
  });

  it("serves nobody without a certificate, with another authority's, or in plain text", async () => {
    const get = ["get", "greeting", "--endpoints", endpoints()];
    const [bare, foreign, untrusting] = await Promise.all([
      run([...get, "--cacert", root!.ca]),
      run([...get, ...as({ ...stranger, ca: root!.ca })]),
      run(get),
    ]);
    expect(bare).toMatchObject({ code: 3 });
    expect(foreign).toMatchObject({ code: 3 });
    expect(untrusting).toMatchObject({ code: 3 });
    expect(untrusting.stderr).toMatch(/certificate/);
    for (const address of [plan.members[0]!.peer, plan.members[0]!.client, plan.members[0]!.http]) {
      const socket = connect(address.port, address.host);
      const heard: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => heard.push(chunk)).on("error", () => undefined);
      socket.write("GET /health HTTP/1.1\r\nhost: a\r\n\r\n");
      await new Promise((resolve) => socket.once("close", resolve));
      expect(Buffer.concat(heard).toString()).not.toContain("HTTP");
    }
  });

  it("knows users by their certificates, and by their tokens before that", async () => {
    for (const line of [
      "user add root --no-password",
      "user grant-role root root",
      "user add ann:pw",
      "role add clerk",
      "role grant-permission clerk readwrite ann",
      "user grant-role ann clerk",
      "auth enable",
    ]) {
      expect(await etcdctl(root!, ...line.split(" "))).not.toContain("Error");
    }
    expect(await etcdctl(root!, "put", "greeting", "from root")).toBe("OK\n");
    expect(await etcdctl(ann!, "put", "ann", "1")).toBe("OK\n");
    expect(await etcdctl(ann!, "put", "greeting", "2")).toContain("permission denied");
    expect(await etcdctl(peer!, "put", "ann", "2")).toContain("permission denied");
    // Root's certificate, but ann's word.
    expect(await etcdctl(root!, "--user=ann:pw", "get", "greeting")).toContain("permission denied");
    expect(await etcdctl(ann!, "--user=ann:wrong", "get", "ann")).toContain("invalid user ID or password");
    // Over HTTP a certificate lets in and stands for nobody, as in etcd.
    expect(await holdfast("get", "ann")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("user name is empty"),
    });
    expect(await holdfast("get", "ann", "--user", "ann:pw")).toMatchObject({ code: 0, stdout: "1\n" });
    expect(await holdfast("put", "ann", "2", "--user", "ann", "--password", "pw")).toMatchObject({ code: 0 });
    expect(await holdfast("put", "greeting", "2", "--user", "ann:pw")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("permission denied"),
    });
    expect(await holdfast("get", "ann", "--user", "ann:no")).toMatchObject({ code: 1 });
    expect(await holdfast("status")).toMatchObject({ code: 0 });
  });

  it("goes on when a member is killed and comes back, tokens and users as before", async () => {
    nodes[0]!.child.kill("SIGKILL");
    await nodes[0]!.done;
    expect(await holdfast("put", "ann", "3", "--user", "ann:pw")).toMatchObject({ code: 0 });
    nodes[0] = await startNode([...nodeLine(plan, 0), ...security]);
    const line = ["get", "ann", "--user", "ann:pw", "--endpoints", `https://${addressText(plan.members[0]!.client)}`];
    expect(await run([...line, ...as(ann!)])).toMatchObject({ code: 0, stdout: "3\n" });
  });
});

describe("options that do not go together", () => {
  it.each([
    [["--cert-file", "a"], "--cert-file and --key-file belong together"],
    [["--client-cert-auth"], "--client-cert-auth and --trusted-ca-file belong together"],
    [["--client-cert-auth", "--trusted-ca-file", "a"], "--client-cert-auth needs --cert-file and --key-file"],
    [["--peer-cert-file", "a"], "--peer-cert-file, --peer-key-file and --peer-trusted-ca-file belong together"],
  ])("%j: exit code 2", async (options, message) => {
    const line = [...nodeLine(plan, 0), ...options];
    expect(await run(line)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });

  it.each([
    [["--cert-file", "/nowhere", "--key-file", "/nowhere"], 3, "--cert-file: cannot read /nowhere (ENOENT)"],
    [["--cert-file", peer!.cert, "--key-file", server!.key], 3, `--key-file: ${server!.key} is not the key of`],
  ])("%j: exit code %i", async (options, code, message) => {
    expect(await run([...nodeLine(plan, 0), ...options])).toMatchObject({
      code,
      stderr: expect.stringContaining(message),
    });
  });

  it.each([
    [["--user", "ann"], "--user needs a password"],
    [["--password", "pw"], "--password needs --user NAME"],
    [["--cert", "a"], "--cert and --key belong together"],
  ])("of a client's: %j", async (options, message) => {
    expect(await run(["get", "a", ...options])).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });
});
