import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gatewayClient } from "../../packages/server/src/client/gateway-client.ts";
import { startEtcd, startMemoryMember, type Endpoint } from "../clients/endpoint.ts";
import { run, until } from "./holdfast-command.ts";
import { startRealCluster } from "./real-cluster.ts";

const bytes = (text: string): Buffer => Buffer.from(text);
const holdfast = join(import.meta.dirname, "../../packages/server/bin/holdfast.js");

describe.concurrent.each([
  ["Holdfast", startMemoryMember],
  ["etcd", startEtcd],
])("the commands for leases and watches against %s", (_, startServer) => {
  const environment = { HOLDFAST_ENDPOINTS: "" };
  let server: Endpoint;

  beforeAll(async () => {
    server = await startServer();
    environment.HOLDFAST_ENDPOINTS = `http://${server.client}`;
  });

  afterAll(() => server?.close());

  const json = async (line: readonly string[]): Promise<Record<string, unknown>> => {
    const { stdout, code, stderr } = await run([...line, "--json"], environment);
    expect([code, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout) as Record<string, unknown>;
  };

  describe("one after the other", { concurrent: false }, () => {
    it("grant, use, show, keep alive, list and revoke a lease", async () => {
      const { lease, ttlSeconds } = await json(["lease", "grant", "60"]);
      expect([lease, ttlSeconds]).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/), 60]);
      const id = lease as string;
      await json(["put", "leased", "1", "--lease", id]);
      expect(await json(["get", "leased"])).toMatchObject({ pairs: [{ lease: id }] });
      expect(await json(["lease", "show", id])).toMatchObject({ lease: id, grantedTtlSeconds: 60, keys: ["leased"] });
      expect(await json(["lease", "keep-alive", id, "--once"])).toEqual({ lease: id, ttlSeconds: 60 });
      expect(await json(["lease", "list"])).toEqual({ leases: [id] });
      expect((await run(["lease", "revoke", id], environment)).stdout).toBe(`lease ${id} revoked\n`);
      expect((await run(["get", "leased"], environment)).code).toBe(1);
      for (const action of ["revoke", "show", "keep-alive"]) {
        const { code, stderr } = await run(["lease", action, id], environment);
        expect([code, stderr]).toEqual([1, expect.stringMatching(/lease/)]);
      }
    });

    it("a watch shows the past and what comes, in both forms", async () => {
      const client = gatewayClient({ endpoints: [environment.HOLDFAST_ENDPOINTS] });
      const { header } = await client.put({ key: bytes("w/1"), value: bytes("a") });
      const from = header.revision;
      await client.put({ key: bytes("w/1"), value: bytes("b") });
      await client.deleteRange({ key: bytes("w/1") });
      const watch = ["watch", "w/", "--prefix", "--rev", `${from}`, "--count", "4"];
      const watching = [run(watch, environment), run([...watch, "--json", "--previous"], environment)];
      await client.put({ key: bytes("w/2"), value: Uint8Array.of(0xff) });
      const [lines, documents] = (await Promise.all(watching)).map(({ stdout, code }) => {
        expect(code).toBe(0);
        return stdout.trimEnd().split("\n");
      });
      expect(lines!.slice(0, 3)).toEqual(["put\tw/1\ta", "put\tw/1\tb", "delete\tw/1"]);
      expect(documents!.map((line) => JSON.parse(line) as unknown)).toEqual([
        { type: "put", key: "w/1", revision: from, value: "a", version: 1 },
        { type: "put", key: "w/1", revision: from + 1, value: "b", version: 2, previous: "a" },
        { type: "delete", key: "w/1", revision: from + 2, previous: "b" },
        { type: "put", key: "w/2", revision: from + 3, value: { base64: "/w==" }, version: 1 },
      ]);
      client.close();
    });

    it("Ctrl-C ends a watch well", async () => {
      const child = spawn(
        process.execPath,
        ["--conditions=source", holdfast, "watch", "w/", "--prefix", "--rev", "1"],
        {
          env: { ...process.env, ...environment },
        },
      );
      let printed = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
      const ended = new Promise((resolve) => child.once("close", (...how) => resolve(how)));
      await until("it shows something", 10_000, () => printed.includes("put\tw/1\ta"));
      child.kill("SIGINT");
      expect(await ended).toEqual([0, null]);
    });

    it("a watch says what it cannot show any more", async () => {
      const client = gatewayClient({ endpoints: [environment.HOLDFAST_ENDPOINTS] });
      const { header } = await client.put({ key: bytes("late"), value: bytes("1") });
      await fetch(`${environment.HOLDFAST_ENDPOINTS}/v3/kv/compaction`, {
        method: "POST",
        body: JSON.stringify({ revision: String(header.revision) }),
      });
      client.close();
      const { code, stderr } = await run(["watch", "late", "--rev", "1"], environment);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/compacted/)]);
    });
  });
});

it.concurrent.each([
  [["lease", "give", "60"], /ACTION must be one of grant, revoke, keep-alive, show, list \(got "give"\)/],
  [["lease", "grant", "0"], /SUBJECT must be the seconds to live/],
  [["lease", "grant"], /SUBJECT must be the seconds to live/],
  [["lease", "revoke"], /SUBJECT is missing/],
  [["lease", "revoke", "xyz"], /SUBJECT must be a lease's 1 to 16 hexadecimal digits \(got "xyz"\)/],
  [["lease", "list", "7"], /unexpected argument "7"/],
  [["put", "a", "b", "--lease", "0"], /--lease must be a lease's/],
  [["watch", ""], /KEY must not be empty/],
  [["watch", "a", "--previous"], /--previous needs --json/],
])("%j is refused", async (line, message) => {
  const { code, stderr } = await run(line);
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
});

it.concurrent("a watch of nobody says so", async () => {
  const { code, stderr } = await run(["watch", "a", "--endpoints", "http://127.0.0.1:1", "--timeout-ms", "300"]);
  expect([code, stderr]).toEqual([3, expect.stringMatching(/no member could answer: .*refused/)]);
});

it.concurrent("the client's watch goes on through other members, and misses nothing", async () => {
  const cluster = await startRealCluster(3);
  const client = gatewayClient({ endpoints: cluster.urls, timeoutMs: 20_000 });
  try {
    const seen: string[] = [];
    const stop = new AbortController();
    const { header } = await client.put({ key: bytes("k"), value: bytes("0") });
    const watching = (async () => {
      const request = { key: bytes("k"), startRevision: header.revision };
      for await (const { events } of client.watch(request, { signal: stop.signal })) {
        for (const { pair } of events)
          seen.push(`${Buffer.from(pair.value).toString()}@${pair.modRevision - header.revision}`);
      }
    })();
    const ended = watching.catch((error: unknown) => error);
    let puts = 1;
    for (const { name } of cluster.plan.members) {
      for (let at = 0; at < 5; at++) await client.put({ key: bytes("k"), value: bytes(`${puts++}`) });
      await until("it is told", 20_000, () => seen.length === puts);
      const { exit } = await cluster.supervisor.kill(name);
      expect(exit.signal).toBe("SIGKILL");
      for (let at = 0; at < 5; at++) await client.put({ key: bytes("k"), value: bytes(`${puts++}`) });
      await until("it is told", 20_000, () => seen.length === puts);
      await cluster.supervisor.start(name);
    }
    expect(seen).toEqual(Array.from({ length: puts }, (_, at) => `${at}@${at}`));
    stop.abort(new Error("enough"));
    expect(await ended).toMatchObject({ message: "enough" });
  } finally {
    client.close();
    await cluster.close();
  }
});

it.concurrent("the client's watch leaves a member that says nothing", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const server = await startMemoryMember();
  const endpoints = [`http://127.0.0.1:${(silent.address() as AddressInfo).port}`, `http://${server.client}`];
  const client = gatewayClient({ endpoints, attemptTimeoutMs: 1000 });
  const other = gatewayClient({ endpoints: endpoints.slice(1) });
  let asked = 0;
  silent.on("connection", () => asked++);
  try {
    await other.put({ key: bytes("k"), value: bytes("1") });
    for await (const { events } of client.watch({ key: bytes("k"), startRevision: 1 })) {
      expect(events).toHaveLength(1);
      break;
    }
    expect(asked).toBe(1);
  } finally {
    client.close();
    other.close();
    await server.close();
    silent.close();
  }
});
