import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePorts, startServer, type ServerProcess } from "./server-process.ts";

/** Running members on loopback that speak the etcd v3 protocol. */
export interface KvCluster {
  /** Client URLs, the leader's first. */
  readonly urls: readonly string[];
  readonly pids: readonly number[];
  /** How many changes the store has seen: grows by one with every put. */
  revision(): Promise<number>;
  stop(): Promise<void>;
}

/** A system that can be measured. */
export interface KvSystem {
  readonly name: string;
  /** Starts members, three unless told otherwise, on what the directory holds of an earlier start. */
  start(directory: string, signal: AbortSignal, members?: number): Promise<KvCluster>;
}

interface MemberPorts {
  readonly name: string;
  readonly directory: string;
  readonly client: number;
  readonly peer: number;
  readonly http: number;
  readonly gossip: number;
}

const startTimeoutMs = 30_000;
const holdfastCommand = join(import.meta.dirname, "..", "packages", "server", "bin", "holdfast.js");

export const holdfast: KvSystem = {
  name: "holdfast",
  start: (directory, signal, members = 3) =>
    startCluster(directory, signal, members, (member, all) => {
      const line = options({
        name: member.name,
        data: member.directory,
        client: `127.0.0.1:${member.client}`,
        peer: `127.0.0.1:${member.peer}`,
        http: `127.0.0.1:${member.http}`,
        gossip: `127.0.0.1:${member.gossip}`,
        join: all.map(({ gossip }) => `127.0.0.1:${gossip}`).join(","),
        cluster: all.map(({ name, peer }) => `${name}=127.0.0.1:${peer}`).join(","),
      });
      return [process.execPath, "--conditions=source", holdfastCommand, "node", ...line];
    }),
};

/** etcd with its own defaults; both systems sync every put to disk on a majority before they answer. */
export const etcd: KvSystem = {
  name: "etcd",
  start: (directory, signal, members = 3) =>
    startCluster(directory, signal, members, (member, all) => {
      const line = options({
        name: member.name,
        "data-dir": member.directory,
        "log-level": "warn",
        "listen-client-urls": url(member.client),
        "advertise-client-urls": url(member.client),
        "listen-peer-urls": url(member.peer),
        "initial-advertise-peer-urls": url(member.peer),
        "initial-cluster": all.map(({ name, peer }) => `${name}=${url(peer)}`).join(","),
      });
      return ["etcd", ...line];
    }),
};

const options = (values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);

const url = (port: number): string => `http://127.0.0.1:${port}`;

async function startCluster(
  directory: string,
  signal: AbortSignal,
  members: number,
  commandLine: (member: MemberPorts, all: readonly MemberPorts[]) => readonly string[],
): Promise<KvCluster> {
  const ports = await freePorts(4 * members);
  const plan = Array.from({ length: members }, (_, i): MemberPorts => {
    const name = `n${i + 1}`;
    const [client = 0, peer = 0, http = 0, gossip = 0] = ports.slice(4 * i);
    return { name, directory: join(directory, name), client, peer, http, gossip };
  });
  const servers: ServerProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  try {
    for (const member of plan) {
      mkdirSync(member.directory, { recursive: true, mode: 0o700 });
      const [command = "", ...args] = commandLine(member, plan);
      servers.push(startServer(command, args, join(directory, `${member.name}.log`)));
    }
    const urls = plan.map((member) => url(member.client));
    const leader = await waitForLeader(urls, servers, signal);
    const ordered = [leader, ...urls.filter((other) => other !== leader)];
    return { urls: ordered, pids: servers.map(({ pid }) => pid), stop, revision: () => revisionAt(leader, signal) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Ready when every member takes a put and all agree who leads. */
async function waitForLeader(
  urls: readonly string[],
  servers: readonly ServerProcess[],
  signal: AbortSignal,
): Promise<string> {
  const deadline = performance.now() + startTimeoutMs;
  for (;;) {
    for (const server of servers) server.check();
    try {
      await Promise.all(urls.map((member) => call(member, "kv/put", { key: encode("ready"), value: "" }, signal)));
      const statuses = await Promise.all(urls.map((member) => call(member, "maintenance/status", {}, signal)));
      const leaders = new Set(statuses.map((status) => status.leader));
      const index = statuses.findIndex((status) => status.header?.member_id === status.leader);
      if (leaders.size === 1 && index >= 0) return urls[index] ?? "";
    } catch (error) {
      signal.throwIfAborted();
      if (performance.now() > deadline) {
        throw new Error(`the cluster was not ready after ${startTimeoutMs} ms`, { cause: error });
      }
    }
    await delay(100, undefined, { signal });
  }
}

async function revisionAt(member: string, signal: AbortSignal): Promise<number> {
  const { header } = await call(member, "kv/range", { key: encode("ready") }, signal);
  return Number(header?.revision);
}

interface Answer {
  readonly header?: { readonly member_id: string; readonly revision: string };
  readonly leader?: string;
}

async function call(member: string, method: string, body: object, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(`${member}/v3/${method}`, {
    method: "POST",
    body: JSON.stringify(body),
    signal: AbortSignal.any([signal, AbortSignal.timeout(2000)]),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} answered ${response.status}: ${text}`);
  return JSON.parse(text) as Answer;
}

const encode = (text: string): string => Buffer.from(text).toString("base64");
