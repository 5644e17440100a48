import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runDrill, type DrillReport } from "holdfast/proof";
import { nodeRuntime } from "holdfast/runtime";
import type { LiveRecording, TelemetryEvent } from "holdfast/telemetry";
import { afterAll, describe, expect, it } from "vitest";
import { gatewayClient } from "../../packages/server/src/client/gateway-client.ts";
import { clusterStage } from "../../packages/server/src/drill/cluster-stage.ts";
import { clusterScenario } from "../../packages/server/src/drill/scenarios/cluster-scenario.ts";
import { openPeerLinks } from "../../packages/server/src/drill/peer-links.ts";
import { clientUrl, nodeArguments, type MemberPlan } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { startMemberProcess, type MemberProcess } from "../../packages/server/src/supervisor/member-process.ts";
import { superviseCluster } from "../../packages/server/src/supervisor/supervisor.ts";
import { freePortRange, freePorts, occupy, planOnOwnPorts } from "./free-ports.ts";
import { membersAt, states } from "./gossip-nodes.ts";
import { isRunning, run, start, temporaryDirectory, until } from "./holdfast-command.ts";

const undo: (() => void)[] = [];

afterAll(() => {
  for (const step of undo.splice(0).reverse()) step();
});

function ownDirectory(): string {
  const directory = temporaryDirectory();
  undo.push(() => directory.remove());
  return directory.path;
}

/** A cluster is three processes that start at once: beyond a few of them, what is measured is this machine. */
const clusters = { free: 3, waiting: [] as (() => void)[] };

async function withCluster<T>(work: () => Promise<T>): Promise<T> {
  if (clusters.free === 0) await new Promise<void>((resolve) => clusters.waiting.push(resolve));
  else clusters.free--;
  try {
    return await work();
  } finally {
    const next = clusters.waiting.shift();
    if (next === undefined) clusters.free++;
    else next();
  }
}

type Printed = DrillReport & { readonly history: string | null };

async function drill(
  line: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; report: Printed; stderr: string }> {
  // One that does not pass keeps its data.
  const data = line.includes("--data") ? [] : ["--data", ownDirectory()];
  const { code, stdout, stderr } = await withCluster(() => run(["drill", ...line, ...data, "--json"], environment));
  return { code, report: JSON.parse(stdout) as Printed, stderr };
}

/** By the parent's number, as the system lists them. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "pid=", "--ppid", String(pid)]);
  return stdout
    .split("\n")
    .map(Number)
    .filter((child) => child > 0);
}

/** Members that have the bug. */
function planted(bug: string): Readonly<Record<string, string>> {
  const preload = fileURLToPath(new URL("./planted-members.ts", import.meta.url));
  return { HOLDFAST_TEST_PLANT: bug, NODE_OPTIONS: `--import=${preload}` };
}

describe.concurrent("holdfast drill", () => {
  it("leader-kill: the rest go on, and nothing acknowledged is lost", async () => {
    const data = ownDirectory();
    const brief = ["--runs", "2", "--seconds", "1", "--clients", "4"];
    const { code, report, stderr } = await drill(["leader-kill", ...brief, "--keep", "--data", data]);
    expect(report).toMatchObject({
      drill: "leader-kill",
      verdict: "passed",
      reason: "",
      measures: { runs: 2, nodes: 3, clients: 4, lostWrites: 0, linearizable: true, divergedKeys: 0 },
      history: join(data, "history.jsonl"),
    });
    expect(code).toBe(0);
    const { measures, faults } = report;
    expect(measures["acknowledgedWrites"]).toBeGreaterThan(0);
    const gapsMs = measures["gapsMs"] as readonly number[];
    expect(gapsMs).toHaveLength(2);
    for (const gapMs of gapsMs) expect(gapMs).toBeGreaterThan(0);
    expect(measures["worstGapMs"]).toBe(Math.max(...gapsMs));

    expect(faults.map(({ kind, role, happened }) => [kind, role, happened])).toEqual([
      ["kill", "leader", true],
      ["kill", "leader", true],
    ]);
    expect(Number(faults[1]?.["term"])).toBeGreaterThan(Number(faults[0]?.["term"] ?? Infinity));
    for (const fault of faults) expect(isRunning(Number(fault["pid"]))).toBe(false);
    expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/^Repeat: npx holdfast drill leader-kill /);

    const check = await run(["check", report.history ?? "", "--json"]);
    expect(JSON.parse(check.stdout)).toMatchObject({ verdict: "ok" });
    // What it kept is not overwritten.
    const again = await run(["drill", "leader-kill", "--data", data]);
    expect(again.code).toBe(3);
    expect(again.stderr).toContain("holds a cluster already");
    expect(existsSync(join(data, "n1"))).toBe(true);
  });

  it("fails members that acknowledge before they have written", async () => {
    const { code, report } = await drill(["crash-unsynced", "--seconds", "3"], planted("acknowledge-before-sync"));
    expect(report.faults.every(({ happened }) => happened)).toBe(true);
    expect(report).toMatchObject({ verdict: "failed", measures: { linearizable: false } });
    expect(report.measures["lostWrites"]).toBeGreaterThan(0);
    expect(report.reason).toMatch(/^lostWrites == 0 \(was \d+\)$/);
    expect(code).toBe(1);
  });

  it("fails members that take half for a majority", async () => {
    const { code, report } = await drill(["partition-halves", "--seconds", "4"], planted("wrong-even-majority"));
    expect(report.faults.map(({ kind, happened }) => [kind, happened])).toEqual([
      ["partition", true],
      ["partition", true],
    ]);
    expect(report).toMatchObject({ verdict: "failed", measures: { linearizable: false } });
    expect(report.measures["lostWrites"]).toBeGreaterThan(0);
    expect(code).toBe(1);
  });

  it("fails leaders that answer reads without asking whether they still lead", async () => {
    const { code, report } = await drill(["old-leader"], planted("stale-read"));
    expect(report.faults.map(({ kind, happened }) => `${kind} ${happened}`).toSorted()).toEqual([
      "clockDrift true",
      "kill true",
      "partition true",
    ]);
    // Nothing is lost, and all hold the same data: it is what was read that is wrong.
    expect(report).toMatchObject({
      verdict: "failed",
      reason: "linearizable (was false)",
      measures: { lostWrites: 0, divergedKeys: 0, linearizable: false },
    });
    expect(code).toBe(1);
  });

  it("runs a drill from a file, and writes its reports", async () => {
    const data = ownDirectory();
    const [file, junit, html] = [join(data, "cut.yaml"), join(data, "cut.xml"), join(data, "cut.html")];
    const recorded = join(data, "recording.json");
    writeFileSync(
      file,
      [
        "name: cut",
        "stage: { kind: cluster, nodes: 3 }",
        "load: { for: 3s, clients: 4, rate: 50 }",
        "faults:",
        "  - { kind: partition, target: leader, shape: outbound, after: 500ms, for: 1s }",
        "  - { kind: clockSkew, target: follower, byMs: 3600000, after: 500ms, for: 1s }",
        "  - { kind: pause, target: follower, after: 2s, for: 500ms }",
        "invariants: [lostWrites == 0, linearizable, divergedKeys == 0]",
        "expect: [worstGapMs < 20000, succeeded > 0]",
      ].join("\n"),
    );
    const [port = 0] = await freePorts(1);
    const reports = ["--junit", junit, "--html", html, "--recording", recorded, "--dashboard", String(port)];
    const [{ code, report, stderr }, seen] = await Promise.all([
      drill([file, ...reports, "--data", data]),
      streamedUntilOver(port),
    ]);
    expect(stderr).toContain(`Dashboard  http://127.0.0.1:${port}/dashboard/`);
    for (const part of ['"verdict":"running"', '"type":"faultInjected"', '"verdict":"passed"'])
      expect(seen).toContain(part);
    expect(report).toMatchObject({ drill: "cut", verdict: "passed", reason: "", history: null });
    expect(code).toBe(0);
    expect(report.faults.map(({ kind, happened }) => `${kind} ${happened}`).toSorted()).toEqual([
      "clockSkew true",
      "partition true",
      "pause true",
    ]);
    expect(report.series.map(({ name }) => name)).toContain("acknowledged writes");
    expect(readFileSync(junit, "utf8")).toContain('failures="0" errors="0"');
    expect(readFileSync(html, "utf8").match(/<svg/g)?.length).toBeGreaterThanOrEqual(3);
    expect(existsSync(join(data, "n1"))).toBe(false);

    expect(stderr).toContain(`Recording: ${recorded}, `);
    const recording = JSON.parse(readFileSync(recorded, "utf8")) as LiveRecording;
    const messages = recording.messages.map(({ message }) => message);
    const clusters = messages.flatMap((message) => (message.type === "cluster" ? [message.cluster] : []));
    const events = messages.flatMap((message) => (message.type === "events" ? message.events : []));
    const told = (type: TelemetryEvent["type"]): string[] =>
      events.flatMap(({ event }) => (event.type === type && "kind" in event ? [event.kind] : []));
    expect(messages[0]?.type).toBe("hello");
    // Whoever leads is cut off in one direction, and gives up; what the members tell of it is there, too.
    expect(clusters.some(({ leader }) => leader !== null)).toBe(true);
    expect(new Set(clusters.map(({ term }) => term)).size).toBeGreaterThan(1);
    expect(clusters.some(({ members }) => members.some(({ liveness }) => liveness === "silent"))).toBe(true);
    expect(events.some(({ event }) => event.type === "leaderChanged" && event.nodeId === "n1")).toBe(true);
    // The recording ends with the cluster as it was before the drill itself stopped it.
    expect(clusters.at(-1)?.members.map(({ liveness }) => liveness)).toEqual(["answers", "answers", "answers"]);
    expect(told("faultInjected").toSorted()).toEqual(["clockSkew", "partition", "pause"]);
    expect(told("faultRemoved").toSorted()).toEqual(["clockSkew", "partition", "pause"]);
    expect(messages.findLast(({ type }) => type === "faults")).toMatchObject({ faults: [] });
    expect(messages.findLast(({ type }) => type === "drills")).toMatchObject({
      drills: [{ drill: "cut", verdict: "passed", measures: { lostWrites: 0, linearizable: true } }],
    });
  });

  it("refuses a recording that it could not write, before anything has begun", async () => {
    const { code, stderr } = await run(["drill", "leader-kill", "--recording", "run.txt"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--recording must end in .html or .json")]);
  });

  it("a partition is one for gossip, too: members see each other fall silent, and return", async () => {
    await withCluster(async () => {
      const plan = await planOnOwnPorts(3, ownDirectory());
      const links = await openPeerLinks(plan);
      const launch = (member: MemberPlan, onSaid: (line: string) => void): MemberProcess =>
        startMemberProcess([...nodeArguments(plan, member), ...links.lineOf(member)], onSaid);
      const supervisor = superviseCluster({ plan, restart: false, launch });
      try {
        expect(await supervisor.allAlive(60_000)).toBe(true);
        const seenBy = async (at: number): Promise<string> => states(await membersAt(clientUrl(plan.members[at]!)));
        const all = "n1 alive,n2 alive,n3 alive";
        const allSee = async (): Promise<boolean> => {
          const seen = await Promise.all([0, 1, 2].map(seenBy));
          return seen.every((text) => text === all);
        };
        await until("all see all", 20_000, allSee);
        const cut = ["n1", "n2"].flatMap((other) => [
          { from: other, to: "n3" },
          { from: "n3", to: other },
        ]);
        const partition = await links.strike(cut, "partition", {});
        const gone = /n3 (?:suspect|dead)/;
        await until("both sides see the cut", 20_000, async () => {
          const [one, two, three] = await Promise.all([0, 1, 2].map(seenBy));
          return gone.test(one!) && gone.test(two!) && !/n[12] alive/.test(three!);
        });
        expect(await seenBy(0)).toMatch(/^n1 alive,n2 alive/);
        const { faults, gossipStruck } = await partition.end();
        expect([faults.length, gossipStruck > 0]).toEqual([4, true]);
        await until("all see all again", 20_000, allSee);
      } finally {
        await supervisor.stop();
        await links.close();
      }
    });
  });

  it("names what is wrong in a file by its place", async () => {
    const file = join(ownDirectory(), "bad.yaml");
    writeFileSync(file, "name: bad\nfaults:\n  - { kind: kill, target: leader, after: abc }\n");
    const { code, stderr } = await run(["drill", file]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("bad.yaml:3:42: faults[0].after must be a duration")]);
    writeFileSync(file, "name: bad\nfaults:\n  - { kind: explode, target: leader }\n");
    const unknown = await run(["drill", file]);
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      expect.stringContaining("bad.yaml:3:13: faults[0].kind must be one of kill"),
    ]);
  });

  it("chaos says beforehand what it is going to do, and the same again", async () => {
    const line = ["drill", "chaos", "--dry-run", "--seed", "5", "--seconds", "120", "--json"];
    const [first, again] = await Promise.all([run(line), run(line)]);
    const plan = JSON.parse(first.stdout) as {
      readonly faults: readonly object[];
      readonly withheld: readonly object[];
    };
    expect(plan.faults.length).toBeGreaterThan(3);
    expect([first.code, again.stdout]).toEqual([0, first.stdout]);
    const wrong = await run(["drill", "leader-kill", "--dry-run"]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("--dry-run is for chaos")]);
  });

  it("recovery plans go on elsewhere when their orchestrators are killed, and do nothing twice", async () => {
    const file = join(ownDirectory(), "plans.yaml");
    const kill = "kind: orchestratorKill, target: orchestrator, steps: 3";
    writeFileSync(
      file,
      [
        "name: plans",
        "load: { for: 1s, clients: 2 }",
        "faults:",
        `  - { id: goes-on, ${kill}, after: 100ms }`,
        `  - { id: is-undone, ${kill}, fails: true, after: 200ms }`,
        "invariants: [lostWrites == 0, linearizable]",
        "expect: [planCompleted, planRolledBack, repeated == 0, takeoverMs < 60000]",
        // Of a hang only: four orchestrators start, each a process of its own.
        "timeouts: { fault: 3m, recovery: 3m }",
      ].join("\n"),
    );
    const port = await freePortRange(30);
    const { code, report } = await drill([file, "--port", String(port)]);
    expect(report).toMatchObject({ verdict: "passed", reason: "", measures: { repeated: 0 } });
    expect(report.faults.map(({ target, happened }) => [target, happened])).toEqual([
      ["orchestrator", true],
      ["orchestrator", true],
    ]);
    // Three that are done and three that are done and undone; one of each may have been interrupted.
    expect(report.measures["steps"]).toBeGreaterThanOrEqual(9);
    expect(report.measures["takeoverMs"]).toBeGreaterThan(0);
    for (const fault of report.faults) expect(isRunning(Number(fault["pid"]))).toBe(false);
    expect(code).toBe(0);
    const holder = await occupy(port + 11);
    const refused = await run(["drill", "leader-kill", "--port", String(port)]);
    await holder.close();
    expect([refused.code, refused.stderr]).toEqual([
      3,
      expect.stringContaining(`n2 cannot start: 127.0.0.1:${port + 11} is taken by another process`),
    ]);
  });

  it("interrupted, takes everything back, and says that it proves nothing", async () => {
    await withCluster(async () => {
      const line = ["partition-leader", "--seconds", "60", "--keep", "--data", ownDirectory(), "--json"];
      const command = start(["drill", ...line]);
      await until("a fault", 60_000, () => command.stderr().includes("isolated"));
      const members = await childrenOf(command.child.pid ?? 0);
      expect(members).toHaveLength(3);
      command.child.kill("SIGINT");
      const { code, stdout } = await command.done;
      const report = JSON.parse(stdout) as Printed;
      expect(report).toMatchObject({ verdict: "inconclusive", reason: "interrupted by SIGINT" });
      // It was to last four seconds, and was taken back.
      expect(report.faults[0]?.lastedMs).toBeLessThan(4_000);
      expect(code).toBe(1);
      expect(members.filter(isRunning)).toEqual([]);
    });
  });

  it("lists what there is", async () => {
    const { code, stdout } = await run(["drill", "list"]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("leader-kill")]);
  });

  it("a dependency that is down: callers are answered all the time, but not by it", async () => {
    const file = join(ownDirectory(), "down.json");
    const faults = [{ kind: "down", target: "dependency", after: "300ms", for: "700ms" }];
    const scenario = { name: "down", stage: { kind: "dependency" }, load: { for: "1500ms", clients: 4 }, faults };
    writeFileSync(
      file,
      JSON.stringify({ ...scenario, invariants: ["answeredRatio == 1"], expect: ["fromFallback > 0"] }),
    );
    const { code, report } = await drill([file]);
    expect(report).toMatchObject({ verdict: "passed", measures: { answeredRatio: 1 } });
    expect(report.faults).toMatchObject([{ kind: "down", happened: true }]);
    expect(code).toBe(0);
    // As one would judge it that expects the dependency alone to answer.
    writeFileSync(file, JSON.stringify({ ...scenario, expect: ["fromFallback == 0"] }));
    const strict = await drill([file]);
    expect(strict.report).toMatchObject({
      verdict: "failed",
      reason: expect.stringMatching(/^fromFallback == 0 \(was \d+\)/),
    });
    expect(strict.code).toBe(1);
    // A fault that strikes no connection is none: whatever was expected of it, nothing is proven.
    const harmless = { ...faults[0], kind: "delay", delayMs: 1, toxicity: 0 };
    writeFileSync(file, JSON.stringify({ ...scenario, faults: [harmless], expect: ["fromFallback > 0"] }));
    const nothing = await drill([file]);
    expect(nothing.report).toMatchObject({ verdict: "inconclusive", reason: "delay-1 had no effect on dependency" });
    expect(nothing.code).toBe(1);
  });

  it("notices writes that were acknowledged and are gone", async () => {
    const plan = await planOnOwnPorts(3, ownDirectory());
    const scenario = clusterScenario({
      name: "stranger",
      summary: "",
      // Long enough that load goes on well after the kill, when the stranger comes.
      load: { for: "4s", clients: 2 },
      faults: [{ kind: "kill", target: "follower", after: "500ms", for: "500ms" }],
    });
    // A stranger deletes what the drill's clients wrote: to them the cluster lost it.
    const stranger = gatewayClient({ endpoints: plan.members.map(clientUrl), timeoutMs: 20_000 });
    undo.push(() => stranger.close());
    let deleted = 0;
    const report = await withCluster(() =>
      runDrill({
        scenario,
        stage: clusterStage({ plan, scenario, seed: 1, saveHistory: () => {} }),
        clock: nodeRuntime().clock,
        onEvent: ({ kind }) => {
          if (kind !== "heal") return;
          void stranger
            .deleteRange({ key: Buffer.from("acknowledged/"), rangeEnd: Buffer.from("acknowledged0") })
            .then((answer) => (deleted = answer.deleted));
        },
      }),
    );
    expect(deleted).toBeGreaterThan(0);
    expect(report).toMatchObject({
      verdict: "failed",
      measures: { linearizable: false },
      reason: expect.stringMatching(/^lostWrites == 0 \(was \d+\)$/),
    });
    // Some of what was deleted may have been written without an answer.
    expect(report.measures["lostWrites"]).toBeGreaterThan(0);
    expect(report.measures["lostWrites"]).toBeLessThanOrEqual(deleted);
  });
});

/** What the page of a drill is told, from its beginning to its end. */
async function streamedUntilOver(port: number): Promise<string> {
  let stream: ReadableStream<Uint8Array> | null = null;
  await until("the drill's page is served", 60_000, async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/holdfast/v1/dashboard/stream`).catch(() => undefined);
    stream = answer?.body ?? null;
    return stream !== null;
  });
  let text = "";
  const decoder = new TextDecoder();
  try {
    for await (const chunk of stream!) text += decoder.decode(chunk, { stream: true });
  } catch {
    // Cut at the end.
  }
  return text;
}
