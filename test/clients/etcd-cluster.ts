import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts } from "../process/free-ports.ts";

export interface EtcdMember {
  /** `host:port` of its client port. */
  readonly client: string;
  readonly process: ChildProcess;
}

/** Real etcds that elect a leader quickly. */
export interface EtcdCluster {
  readonly members: readonly EtcdMember[];
  close(): Promise<void>;
}

/** @throws Error when etcd is missing, or when a member does not become healthy within 60 s */
export async function startEtcdCluster(size: number, ...more: readonly string[]): Promise<EtcdCluster> {
  if (spawnSync("etcd", ["--version"]).error !== undefined) {
    throw new Error("etcd is not on the PATH: install it (Debian: apt-get install etcd-server)");
  }
  const directory = await mkdtemp(join(tmpdir(), "holdfast-etcds-"));
  await chmod(directory, 0o700);
  const ports = await freePorts(2 * size);
  const peers = Array.from({ length: size }, (_, at) => `http://127.0.0.1:${ports[size + at]}`);
  const initial = peers.map((url, at) => `m${at}=${url}`).join();
  const members = peers.map((peerUrl, at) => {
    const client = `127.0.0.1:${ports[at]}`;
    const args = [
      ["--name", `m${at}`, "--data-dir", join(directory, `m${at}`), "--log-level", "error"],
      ["--listen-client-urls", `http://${client}`, "--advertise-client-urls", `http://${client}`],
      ["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl, "--initial-cluster", initial],
      ["--heartbeat-interval", "50", "--election-timeout", "500"],
    ];
    return { client, process: spawn("etcd", [...args.flat(), ...more], { stdio: "ignore" }) };
  });
  const cluster: EtcdCluster = {
    members,
    async close() {
      await Promise.all(members.map(({ process }) => stop(process)));
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all(members.map(untilHealthy));
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

/** The JSON gateway's answer, as a program that uses fetch would throw it. */
export async function gateway(client: string, path: string, body: object, headers: object = {}): Promise<never> {
  const response = await fetch(`http://${client}/v3/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { ...headers },
  });
  const text = await response.text();
  const { message, error } = JSON.parse(text) as { readonly message?: string; readonly error?: string };
  throw new Error(message ?? error ?? `it succeeded: ${text}`);
}

async function untilHealthy({ client, process }: EtcdMember): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (performance.now() < giveUpAt) {
    if (process.exitCode !== null) throw new Error(`etcd ended with exit code ${process.exitCode}`);
    const healthy = await fetch(`http://${client}/health`).then(
      (response) => response.ok,
      () => false,
    );
    if (healthy) return;
    await delay(30);
  }
  throw new Error(`etcd did not become healthy at ${client} within 60 s`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGCONT");
  child.kill("SIGKILL");
  await ended;
}
