import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { Client, Pool } from "pg";
import { remoteCoordination, type RemoteCoordination } from "holdfast/coordination";
import {
  compilePlan,
  dataValidation,
  executorTable,
  planDesk,
  submitPlan,
  type ExecutionReport,
  type PlanDesk,
  type ServiceControl,
  type StepContext,
} from "holdfast/recovery";
import { nodeRuntime } from "holdfast/runtime";
import { grpcHealthProbe } from "holdfast/adapters/grpc-health";
import { kubernetesServices } from "holdfast/adapters/kubernetes";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkingExecutors } from "../../packages/server/src/plans/plan-executors.ts";
import { startPostgresql, type RealServer } from "../clients/real-servers.ts";
import { certificateAuthority } from "./certificates.ts";
import { freePorts } from "./free-ports.ts";
import { isRunning, run, start, temporaryDirectory, until, type RunningCommand } from "./holdfast-command.ts";
import { startRealCluster, type RealCluster } from "./real-cluster.ts";

let cluster: RealCluster;
let postgresql: RealServer;
let client: RemoteCoordination;
let desk: PlanDesk;
let apiPort = 0;
const directory = temporaryDirectory();
const workers: RunningCommand[] = [];

beforeAll(async () => {
  [cluster, postgresql, [apiPort = 0]] = await Promise.all([startRealCluster(), startPostgresql(), freePorts(1)]);
  client = remoteCoordination({ runtime: nodeRuntime(), endpoints: cluster.urls });
  desk = planDesk(client);
  mkdirSync(at("plans"));
  mkdirSync(at("etc"));
});
afterAll(async () => {
  for (const { child } of workers) child.kill("SIGKILL");
  await client?.close();
  await Promise.all([cluster?.close(), postgresql?.close()]);
  directory.remove();
});

const at = (name: string): string => join(directory.path, name);

function file(name: string, document: object): string {
  writeFileSync(at(name), JSON.stringify(document));
  return at(name);
}

/** A service that is ready a while after it has begun, and says which of its lives it is. */
const api =
  'require("http").createServer((q, r) => r.end(JSON.stringify({ pid: process.pid }))).listen(PORT, "127.0.0.1")';

function worker(...more: readonly string[]): RunningCommand {
  const services = file("services.json", {
    stateDirectory: at("state"),
    services: {
      api: {
        command: [process.execPath, "-e", api.replace("PORT", String(apiPort))],
        ready: { http: `http://127.0.0.1:${apiPort}/` },
        graceMs: 500,
      },
    },
  });
  const line = ["plan", "worker", "--endpoints", cluster.urls.join(","), "--ttl-seconds", "1", "--json"];
  const all = [...line, "--allow", process.execPath, "--files", at("etc"), "--services", services, ...more];
  const command = start(all);
  workers.push(command);
  return command;
}

async function submit(path: string, id: string): Promise<void> {
  const line = ["plan", "submit", path, "--id", id, "--endpoints", cluster.urls.join(","), "--json"];
  const { code, stdout, stderr } = await run(line);
  expect([code, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toMatchObject({ execution: id });
}

async function over(id: string): Promise<ExecutionReport> {
  await until(`${id} is over`, 20_000, async () => {
    const { status } = await desk.status(id);
    return status === "completed" || status === "failed" || status === "cancelled";
  });
  return await desk.status(id);
}

async function apiPid(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${apiPort}/`);
  return ((await response.json()) as { readonly pid: number }).pid;
}

const steps = (...all: readonly object[]): object => ({
  id: "p",
  steps: all.map((step, index) => ({
    id: `s${index}`,
    ...(index === 0 ? {} : { dependsOn: [`s${index - 1}`] }),
    ...step,
  })),
});
const node = (script: string): readonly string[] => [process.execPath, "-e", script];

describe.concurrent("holdfast plan worker", () => {
  it("runs what others submit, drains when it is told to stop, and what it leaves is taken over", async () => {
    writeFileSync(at("etc/app.json"), '{ "mode": "normal" }');
    const whole = steps(
      { type: "configuration-update", parameters: { file: at("etc/app.json"), pointer: "/mode", value: "read-only" } },
      { type: "service-restart", parameters: { service: "api", within: "20s" } },
      { type: "health-check", parameters: { tcp: `127.0.0.1:${apiPort}`, within: "5s" } },
      { type: "health-check", parameters: { coordination: "mode" } },
      { type: "data-validation", parameters: { url: `http://127.0.0.1:${apiPort}/`, pointer: "/pid", min: 2 } },
      { type: "command", parameters: { command: node("console.log(6 * 7)") }, rollback: "none" },
    );
    const known = file("plans/whole.json", whole);
    const first = worker("--plans", at("plans"), "--drain-ms", "20000");
    expect(JSON.parse(await first.firstLine())).toMatchObject({ ready: true, plans: ["p"] });
    const before = await apiPid();
    await submit(known, "whole");
    const report = await over("whole");
    expect(report).toMatchObject({
      status: "completed",
      outputs: { s0: { previous: "normal" }, s2: { status: "open" }, s5: { stdout: "42\n" } },
    });
    const after = await apiPid();
    expect(report.outputs["s4"]).toEqual({ value: after });
    expect(isRunning(before)).toBe(false);
    expect(JSON.parse(readFileSync(at("etc/app.json"), "utf8"))).toEqual({ mode: "read-only" });

    // Killed by somebody else, it comes back.
    process.kill(after, "SIGKILL");
    await until("it answers again", 10_000, async () => (await apiPid().catch(() => after)) !== after);

    const release = at("release");
    const waits = `const look = () => fs.existsSync(${JSON.stringify(release)}) ? console.log("done") : setTimeout(look, 10); fs.writeFileSync(${JSON.stringify(at("waits"))}, ""); look()`;
    const halves = steps(
      { type: "command", parameters: { command: node(waits) }, rollback: "none" },
      { type: "approval" },
      { type: "command", parameters: { command: node('console.log("after")') }, rollback: "none" },
    );
    await submitPlan(client, compilePlan(halves, executorTable(checkingExecutors([]))), { id: "halves" });
    await until("its first step is under way", 10_000, async () => {
      const { steps } = await desk.status("halves");
      return steps["s0"]?.status === "running";
    });
    first.child.kill("SIGTERM");
    await until("it drains", 10_000, () => first.stderr().includes("SIGTERM: ending what is under way"));
    expect(first.child.exitCode).toBeNull();
    writeFileSync(release, "");
    expect(await first.done).toMatchObject({ code: 0 });
    expect(await desk.status("halves")).toMatchObject({
      status: "running",
      steps: { s0: { status: "completed", attempts: 1 }, s1: { status: "waiting" } },
    });
    await expect(apiPid()).rejects.toThrow();

    const second = worker();
    await second.firstLine();
    await desk.approve("halves", "s1", { by: "ada" });
    expect(await over("halves")).toMatchObject({ status: "completed", outputs: { s2: { stdout: "after\n" } } });
    expect((await desk.history("halves")).map(({ type }) => type)).toContain("takenOver");

    // What a worker that is killed has left is not run twice.
    const left = await apiPid();
    second.child.kill("SIGKILL");
    await second.done;
    expect(await apiPid()).toBe(left);
    const third = worker();
    await third.firstLine();
    expect(third.stderr()).toContain(`ended process ${left}, which an earlier worker has left`);
    expect(await apiPid()).not.toBe(left);
    third.child.kill("SIGTERM");
    expect(await third.done).toMatchObject({ code: 0 });
  });

  it("does not begin where a plan needs what it may not do", async () => {
    const refused = steps({ type: "command", parameters: { command: ["rm", "x"] }, rollback: "none" });
    const endpoints = cluster.urls.join(",");
    const bad = await run(["plan", "worker", "--endpoints", endpoints, "--plans", file("bad.json", refused)]);
    expect(bad).toMatchObject({ code: 1, stdout: "" });
    expect(bad.stderr).toMatch(/bad\.json:1:\d+: steps\[0\]\.parameters: must run one of no programs \(got "rm"\)/);
  });
});

describe.concurrent("probes and controls over TLS", () => {
  const authority = certificateAuthority();
  const stranger = certificateAuthority();
  const pem = (path: string): string => readFileSync(path, "utf8");
  const signal = new AbortController().signal;
  afterAll(() => {
    authority.remove();
    stranger.remove();
  });

  it("ask Kubernetes' API as a pod does, and nobody whom its authority has not signed", async () => {
    const { key, cert, ca } = authority.issue("kubernetes");
    const annotations: Record<string, string> = {};
    const workload = (): object => ({
      kind: "Deployment",
      metadata: { generation: 1 },
      spec: { replicas: 1, template: { metadata: { annotations } } },
      status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
    });
    const tokens: unknown[] = [];
    const server = createServer({ key: pem(key), cert: pem(cert) }, (request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        tokens.push(request.headers.authorization);
        if (body !== "") {
          const patch = JSON.parse(body) as { spec: { template: { metadata: { annotations: object } } } };
          Object.assign(annotations, patch.spec.template.metadata.annotations);
        }
        response.end(JSON.stringify(workload()));
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const account = at("account");
    mkdirSync(account);
    writeFileSync(join(account, "token"), "secret\n");
    const controlWith = (ca: string): ServiceControl =>
      kubernetesServices({
        access: { url, ca, token: () => pem(join(account, "token")).trim() },
        workloads: ["deployment/api"],
      });
    try {
      const ended = await controlWith(pem(ca)).restart("deployment/api", { idempotencyKey: "e/s" });
      expect(ended).toMatchObject({ state: "ready", instance: "e/s" });
      expect(new Set(tokens)).toEqual(new Set(["Bearer secret"]));
      const other = stranger.issue("other").ca;
      await expect(controlWith(pem(other)).status("deployment/api")).rejects.toThrow(/certificate|signature/);
    } finally {
      server.close();
    }
  });

  it("ask a gRPC server, and nobody whom its authority has not signed", async () => {
    const { key, cert, ca } = authority.issue("grpc");
    const bytes = (value: Buffer): Buffer => value;
    const codec = {
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    };
    const method = { path: "/grpc.health.v1.Health/Check", requestStream: false, responseStream: false, ...codec };
    const server = new GrpcServer();
    const check = (_: unknown, done: (error: null, answer: Buffer) => void): void => done(null, Buffer.from([8, 1]));
    server.addService({ Check: method }, { Check: check });
    const pair = { private_key: readFileSync(key), cert_chain: readFileSync(cert) };
    const credentials = ServerCredentials.createSsl(null, [pair]);
    const port = await new Promise<number>((resolve) =>
      server.bindAsync("127.0.0.1:0", credentials, (_, port) => resolve(port)),
    );
    const url = `https://127.0.0.1:${port}`;
    try {
      expect(await grpcHealthProbe({ ca: pem(ca) })(url, "", { signal })).toBe("SERVING");
      const other = grpcHealthProbe({ ca: pem(stranger.issue("other").ca) });
      await expect(other(url, "", { signal })).rejects.toThrow(/certificate|signature/);
    } finally {
      server.forceShutdown();
    }
  });
});

describe.concurrent("a validation of a real PostgreSQL's data", () => {
  const signal = new AbortController().signal;
  const names = { planId: "p", executionId: "e", stepId: "s", idempotencyKey: "k", attempt: 1, fencingToken: 1 };
  const contextOf = (parameters: StepContext["parameters"], more: Partial<StepContext> = {}): StepContext => ({
    ...names,
    outputs: new Map(),
    parameters,
    signal,
    ...more,
  });

  it("compares one value, cannot write, and gives up in time", async () => {
    const access = { host: "127.0.0.1", port: postgresql.port, user: "postgres", database: "postgres" };
    const pool = new Pool({ ...access, max: 2 });
    await until("it lets us in", 10_000, () =>
      pool.query("select 1").then(
        () => true,
        () => false,
      ),
    );
    const only = new Client(access);
    await only.connect();
    await pool.query("create table accounts (id int primary key, cents bigint, opened timestamptz)");
    await pool.query("insert into accounts select n, n * 10, now() from generate_series(1, 100) n");
    for (const source of [pool, only]) {
      const { run } = dataValidation({ databases: { shop: source } });
      const ask = async (sql: string, more: StepContext["parameters"]): Promise<unknown> =>
        await run(contextOf({ sql, ...more }));
      expect(await ask("select sum(cents) from accounts", { equals: 50_500 })).toEqual({ value: "50500" });
      expect(await ask("select count(*) from accounts where id > $1", { values: [90], min: 10, max: 10 })).toEqual({
        value: "10",
      });
      expect(await ask("select max(opened) < now() from accounts", { equals: true })).toEqual({ value: true });
      await expect(ask("select id from accounts", { equals: 1 })).rejects.toThrow("the value is 100 rows, not one");
      await expect(ask("delete from accounts returning 1", { equals: 1 })).rejects.toMatchObject({ code: "25006" });
      await expect(ask("select pg_sleep(30)::text", { equals: "", within: "100ms" })).rejects.toMatchObject({
        message: expect.stringMatching(/no answer within 100ms|statement timeout/),
      });
      // The connection is as it was, and the database has given up by itself.
      expect(await ask("select count(*) from accounts", { equals: 100 })).toEqual({ value: "100" });
    }
    await until("nobody sleeps in the database", 10_000, async () => {
      const { rows } = await only.query(
        "select count(*)::int as n from pg_stat_activity where query like '%pg_sleep(30)::text'",
      );
      return (rows as readonly { readonly n: number }[])[0]?.n === 0;
    });
    await Promise.all([pool.end(), only.end()]);
  });
});
