import { createSocket } from "node:dgram";
import { createServer, type Server } from "node:net";
import { memberPortStep, planCluster, type ClusterPlan } from "../../packages/server/src/supervisor/cluster-plan.ts";

/** Below the ports that systems hand out, and below those that `holdfast drill` chooses by itself. */
const ports = { first: 4_000, last: 10_000, share: 400 };

/** Of this process alone: a port that is free now, or whose member is dead for a while, is nobody else's to take. */
let share: Promise<number> | undefined;
/** Goes round the share, so that tests side by side get other ports each. The first says whose share it is. */
let next = 1;

/** A port from which `count` in a row are free, and are given to nobody else for long. */
export async function freePortRange(count: number): Promise<number> {
  share ??= claimShare();
  const base = await share;
  for (let tried = 0; tried < ports.share; tried += count) {
    if (next + count > ports.share) next = 1;
    const first = base + next;
    next += count;
    const taken = await Promise.all(Array.from({ length: count }, (_, offset) => isTaken(first + offset)));
    if (!taken.includes(true)) return first;
  }
  throw new Error(`no ${count} free ports in a row between ${base} and ${base + ports.share}`);
}

export async function freePorts(count: number): Promise<number[]> {
  const first = await freePortRange(count);
  return Array.from({ length: count }, (_, offset) => first + offset);
}

/** A plan whose ports are all free now. */
export async function planOnOwnPorts(nodes: number, directory: string): Promise<ClusterPlan> {
  return planCluster({ nodes, directory, port: await freePortRange(nodes * memberPortStep) });
}

/** Listens on a port until closed. */
export async function occupy(port: number): Promise<{ close(): Promise<void> }> {
  const server = await listen(port);
  return { close: () => new Promise((closed) => void server.close(() => closed())) };
}

/** Keeps a share's first port for as long as this process lives. */
async function claimShare(): Promise<number> {
  const shares = (ports.last - ports.first) / ports.share;
  const from = Math.floor(Math.random() * shares);
  for (let at = 0; at < shares; at++) {
    const first = ports.first + ((from + at) % shares) * ports.share;
    const claim = await listen(first).catch(() => undefined);
    if (claim === undefined) continue;
    claim.unref();
    return first;
  }
  throw new Error(`other processes use all ${shares} shares of the ports between ${ports.first} and ${ports.last}`);
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => resolve(server));
  });
}

/** Also by datagrams, which members gossip with. */
async function isTaken(port: number): Promise<boolean> {
  try {
    await (await occupy(port)).close();
    await bindOnce(port);
    return false;
  } catch {
    return true;
  }
}

function bindOnce(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    socket.once("error", reject);
    socket.bind({ address: "127.0.0.1", port, exclusive: true }, () => socket.close(() => resolve()));
  });
}
