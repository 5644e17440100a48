import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { freePortRange, occupy } from "./free-ports.ts";
import { isRunning, run, start, temporaryDirectory, until } from "./holdfast-command.ts";

interface Ready {
  readonly clientUrl: string;
  readonly members: readonly { readonly name: string; readonly pid: number; readonly clientUrl: string }[];
}

const undo: (() => unknown)[] = [];

afterAll(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function dataDirectory(): string {
  const directory = temporaryDirectory();
  undo.push(() => directory.remove());
  return join(directory.path, "data");
}

async function up(
  data: string,
  port: number,
  ...more: readonly string[]
): Promise<ReturnType<typeof start> & { ready: Ready }> {
  const command = start(["up", "--json", "--data", data, "--port", String(port), ...more]);
  undo.push(async () => {
    command.child.kill("SIGKILL");
    await command.done;
  });
  const ready = JSON.parse(await command.firstLine()) as Ready;
  return { ...command, ready };
}

describe.concurrent("holdfast up", () => {
  it("serves clients, restarts what dies, stops cleanly, and keeps its data", async () => {
    const data = dataDirectory();
    const port = await freePortRange(30);
    const cluster = await up(data, port);
    const { ready } = cluster;
    const endpoints = ["--endpoints", ready.members.map((member) => member.clientUrl).join(",")];
    expect(ready.members.map((member) => member.name)).toEqual(["n1", "n2", "n3"]);
    expect(ready.clientUrl).toBe(`http://127.0.0.1:${port}`);

    const put = await run(["put", "greeting", "hello", "--json", ...endpoints]);
    expect(put).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(put.stdout)).toEqual({ key: "greeting", revision: 2 });
    expect(await run(["get", "greeting", ...endpoints])).toEqual({ code: 0, stdout: "hello\n", stderr: "" });
    expect(await run(["get", "nothing", ...endpoints])).toEqual({ code: 1, stdout: "", stderr: 'no key "nothing"\n' });

    const victim = ready.members[1];
    if (victim === undefined) throw new Error("n2 is missing");
    process.kill(victim.pid, "SIGKILL");
    await until("n2 is gone", 5000, () => !isRunning(victim.pid));
    await until("n2 is restarted", 10_000, () => cluster.stderr().includes("n2 ready again"));
    expect(cluster.stderr()).toContain("n2 killed by SIGKILL; restarting in 100 ms");
    // Ready is not agreed: the one that was killed may have led, and a write waits until somebody does again.
    expect((await run(["put", "after", "the kill", ...endpoints])).code).toBe(0);
    const status = JSON.parse((await run(["status", "--json", ...endpoints])).stdout) as {
      leader: string;
      members: { name: string; alive: boolean; role: string; clientUrl: string; httpUrl: string; term: number }[];
    };
    expect(status.members.map(({ name, alive }) => [name, alive])).toEqual([
      ["n1", true],
      ["n2", true],
      ["n3", true],
    ]);
    expect(status.members.find((member) => member.role === "leader")?.name).toBe(status.leader);

    cluster.child.kill("SIGINT");
    const { code, stderr } = await cluster.done;
    expect(code).toBe(0);
    expect(stderr.trimEnd().split("\n").at(-1)).toBe(`Start it again: npx holdfast up --data ${data} --port ${port}`);
    for (const member of ready.members) expect(isRunning(member.pid)).toBe(false);

    const again = await up(data, port);
    expect((await run(["get", "greeting", ...endpoints])).stdout).toBe("hello\n");
    expect((await run(["del", "greeting", ...endpoints])).code).toBe(0);
    again.child.kill("SIGTERM");
    expect((await again.done).code).toBe(0);
  });

  it("shows a dead member as dead", async () => {
    const port = await freePortRange(30);
    // Else it would be started anew.
    const { ready } = await up(dataDirectory(), port, "--no-heal");
    const [first, second] = ready.members;
    if (first === undefined || second === undefined) throw new Error("members are missing");
    const status = ["status", "--json", "--endpoints", first.clientUrl, "--timeout-ms", "2000"];
    const ask = async (): Promise<{ name: string; clientUrl: string }[]> => {
      const { stdout } = await run(status);
      return (JSON.parse(stdout) as { members?: { name: string; clientUrl: string }[] }).members ?? [];
    };
    // Each member makes its addresses known to the others a moment after it is ready.
    let known: { clientUrl: string }[] = [];
    while (known.length < 3 || known.some((member) => member.clientUrl === "")) known = await ask();
    process.kill(second.pid, "SIGSTOP");
    undo.push(() => process.kill(second.pid, "SIGCONT"));
    const members = await ask();
    expect(members.find((member) => member.name === "n2")).toEqual({
      name: "n2",
      clientUrl: second.clientUrl,
      httpUrl: `http://127.0.0.1:${port + 12}`,
      alive: false,
      role: null,
      term: null,
      commitIndex: null,
      appliedIndex: null,
    });
  });

  it("leaves no member behind when it is killed itself", async () => {
    const { child, done, ready } = await up(dataDirectory(), await freePortRange(30));
    for (const member of ready.members) expect(isRunning(member.pid)).toBe(true);
    child.kill("SIGKILL");
    await done;
    await until("members are gone", 10_000, () => ready.members.every((member) => !isRunning(member.pid)));
  });

  it("names the taken port and the option that chooses others", async () => {
    const port = await freePortRange(30);
    const taken = await occupy(port + 11);
    undo.push(() => taken.close());
    const { code, stderr } = await run(["up", "--port", String(port), "--data", dataDirectory()]);
    expect(code).toBe(3);
    expect(stderr).toContain(
      `n2 cannot start: 127.0.0.1:${port + 11} is taken by another process; choose other ports: --port`,
    );
  });

  it("refuses a directory that cannot be written", async () => {
    const data = dataDirectory();
    mkdirSync(data);
    const file = join(data, "file");
    writeFileSync(file, "");
    const { code, stderr } = await run([
      "up",
      "--port",
      String(await freePortRange(30)),
      "--data",
      join(file, "below"),
    ]);
    expect(code).toBe(3);
    expect(stderr).toContain(`the data directory ${join(file, "below")} cannot be written`);
  });

  it("gives up at once when a member's log is damaged, with the member's own words", async () => {
    const data = dataDirectory();
    const port = await freePortRange(30);
    const { child, done, ready } = await up(data, port);
    for (const value of ["one", "two", "three"]) {
      expect((await run(["put", "a", value, "--endpoints", ready.clientUrl])).code).toBe(0);
    }
    child.kill("SIGTERM");
    expect((await done).code).toBe(0);
    const segment = readdirSync(join(data, "n2")).find((name) => name.endsWith(".log")) ?? "";
    const file = join(data, "n2", segment);
    const bytes = readFileSync(file);
    const at = bytes.indexOf("one");
    expect(at).toBeGreaterThan(0);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const { code, stdout, stderr } = await run(["up", "--port", String(port), "--data", data]);
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toContain(`the cluster cannot run: n2 stopped with exit code 3: holdfast: ${file} is corrupt at`);
    expect(stderr).not.toContain("restarting");
  });

  it("refuses the directory of a cluster of another size", async () => {
    const data = dataDirectory();
    mkdirSync(data);
    writeFileSync(join(data, "cluster.json"), '{"clusterName":"holdfast","members":["n1","n2","n3"]}');
    const { code, stderr } = await run([
      "up",
      "--nodes",
      "5",
      "--port",
      String(await freePortRange(50)),
      "--data",
      data,
    ]);
    expect(code).toBe(3);
    expect(stderr).toContain("holds a cluster of 3 members (n1, n2, n3); start it with --nodes 3");
  });
});
