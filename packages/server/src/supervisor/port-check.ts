import { createServer } from "node:net";
import type { Address } from "holdfast/runtime";
import { addressText, type ClusterPlan } from "./cluster-plan.ts";

/** The first port of a plan that cannot be listened on, with the reason; undefined when all are free. */
export async function firstUnusablePort(
  plan: Pick<ClusterPlan, "members">,
): Promise<{ readonly address: Address; readonly member: string; readonly error: NodeJS.ErrnoException } | undefined> {
  for (const member of plan.members) {
    for (const address of [member.client, member.peer, member.http, member.gossip]) {
      const error = await tryListening(address);
      if (error !== undefined) return { address, member: member.name, error };
    }
  }
  return undefined;
}

function tryListening(address: Address): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ host: address.host, port: address.port, exclusive: true }, () =>
      server.close(() => resolve(undefined)),
    );
  });
}

/** How a message names a port that cannot be used. */
export function describePortError(address: Address, error: NodeJS.ErrnoException): string {
  if (error.code === "EADDRINUSE") return `${addressText(address)} is taken by another process`;
  if (error.code === "EACCES") return `${addressText(address)} may not be listened on by this user`;
  if (error.code === "EADDRNOTAVAIL") return `${address.host} is no address of this machine`;
  return `${addressText(address)} cannot be listened on: ${error.message}`;
}
