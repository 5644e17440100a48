import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { serveMember } from "@holdfast/server";
import { createMemoryMember } from "holdfast/coordination";
import { addressText } from "../../packages/server/src/supervisor/cluster-plan.ts";
import { freePorts } from "../process/free-ports.ts";
import { startRealCluster } from "../process/real-cluster.ts";

/** Something that serves the etcd v3 protocol. */
export interface Endpoint {
  /** `host:port` of the client port. */
  readonly client: string;
  /** `host:port` of the port that serves HTTP alone, where there is one. */
  readonly http?: string;
  close(): Promise<void>;
}

/** A cluster of three members, each a process of its own. */
export interface ClusterEndpoints {
  readonly members: readonly Endpoint[];
  readonly leader: Endpoint;
  readonly follower: Endpoint;
  /** One member after the other: whatever is asked, each must answer the same. */
  next(): Endpoint;
  close(): Promise<void>;
}

export async function startCluster(): Promise<ClusterEndpoints> {
  const cluster = await startRealCluster(3);
  const close = (): Promise<void> => cluster.close();
  const endpoints = new Map(
    cluster.plan.members.map(({ name, client, http }) => [
      name,
      { client: addressText(client), http: addressText(http), close },
    ]),
  );
  const members = [...endpoints.values()];
  const leader = endpoints.get(await cluster.leader())!;
  let asked = 0;
  return {
    members,
    leader,
    follower: members.find((member) => member !== leader)!,
    next: () => members[asked++ % members.length]!,
    close,
  };
}

/** A member in memory, for what needs no cluster. */
export async function startMemoryMember(): Promise<Endpoint> {
  const member = createMemoryMember();
  const any = { host: "127.0.0.1", port: 0 };
  const served = await serveMember({ member, client: any, http: any });
  return {
    client: `127.0.0.1:${served.clientAddress.port}`,
    http: `127.0.0.1:${served.httpAddress?.port ?? 0}`,
    async close() {
      await served.close();
      await member.close();
    },
  };
}

/** A real etcd of one member, with an empty store, on ports of its own. */
export async function startEtcd(): Promise<Endpoint> {
  requireProgram("etcd", "etcd-server");
  const directory = await mkdtemp(join(tmpdir(), "holdfast-etcd-"));
  await chmod(directory, 0o700);
  const [clientPort, peerPort] = await freePorts(2);
  const clientUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const etcd = spawn(
    "etcd",
    [
      ["--name", "real", "--data-dir", directory, "--log-level", "error"],
      ["--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl],
      ["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
      ["--initial-cluster", `real=${peerUrl}`],
    ].flat(),
    { stdio: "ignore" },
  );
  // A test file that fails before its hooks are set closes nothing.
  process.once("exit", () => etcd.kill("SIGKILL"));
  const endpoint: Endpoint = {
    client: `127.0.0.1:${clientPort}`,
    async close() {
      await stop(etcd);
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await untilHealthy(clientUrl, etcd);
  } catch (error) {
    await endpoint.close();
    throw error;
  }
  return endpoint;
}

/** @throws Error saying which Debian package has the program */
export function requireProgram(program: string, debianPackage: string): void {
  if (spawnSync(program, ["--version"]).error !== undefined) {
    throw new Error(`${program} is not on the PATH: install it (Debian: apt-get install ${debianPackage})`);
  }
}

async function untilHealthy(url: string, etcd: ChildProcess): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (performance.now() < giveUpAt) {
    if (etcd.exitCode !== null) throw new Error(`etcd ended with exit code ${etcd.exitCode} instead of starting`);
    const healthy = await fetch(`${url}/health`).then(
      (response) => response.ok,
      () => false,
    );
    if (healthy) return;
    await delay(50);
  }
  throw new Error(`etcd did not become healthy at ${url} within 60 s`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}
