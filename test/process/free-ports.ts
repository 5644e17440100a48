import { createServer } from "node:net";
import { memberPortStep, planCluster, type ClusterPlan } from "../../packages/server/src/supervisor/cluster-plan.ts";

/**
 * Below the ports that systems hand out, and below those that `holdfast drill` chooses by itself. Split among the workers
 * that run files side by side: a port that is free now, or whose member is dead for a while, is not taken by another's.
 */
const ports = { first: 4_000, last: 10_000 };
const shares = 4;

const worker = Number(process.env["VITEST_POOL_ID"] ?? 1);
if (!(worker <= shares)) throw new Error(`ports are split among ${shares} workers, and this is worker ${worker}`);
const shareSize = (ports.last - ports.first) / shares;
const share = ports.first + (worker - 1) * shareSize;

/** Goes round the share, so that one file's tests get other ports each; begins anywhere, for there may be other runs. */
let next = Math.floor(Math.random() * shareSize);

/** A port from which `count` in a row are free, and are given to nobody else for long. */
export async function freePortRange(count: number): Promise<number> {
  for (let tried = 0; tried < shareSize; tried += count) {
    if (next + count > shareSize) next = 0;
    const first = share + next;
    next += count;
    const taken = await Promise.all(Array.from({ length: count }, (_, offset) => isTaken(first + offset)));
    if (!taken.includes(true)) return first;
  }
  throw new Error(`no ${count} free ports in a row between ${share} and ${share + shareSize}`);
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
export function occupy(port: number): Promise<{ close(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () =>
      resolve({ close: () => new Promise((closed) => void server.close(() => closed())) }),
    );
  });
}

async function isTaken(port: number): Promise<boolean> {
  try {
    await (await occupy(port)).close();
    return false;
  } catch {
    return true;
  }
}
