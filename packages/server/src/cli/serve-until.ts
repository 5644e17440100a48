import type { ReplicatedMember } from "holdfast/coordination";
import type { NodeGossip } from "../gossip/node-gossip.ts";
import type { Served } from "../serve.ts";
import { environmentError, exitCodes } from "./exit.ts";
import { aborted } from "./stop-signal.ts";

export interface RunningNode {
  readonly member: ReplicatedMember;
  readonly served: Served;
  readonly gossip: NodeGossip;
  readonly drainGraceMs: number;
}

/** Serves until asked to stop (exit 0) or until the member stops by itself. @throws ExitError (environment) */
export async function serveUntil(stop: AbortSignal, node: RunningNode, say: (line: string) => void): Promise<0> {
  const { member, served, gossip, drainGraceMs } = node;
  void gossip.membership.failed.then((error) => say(`no longer watches the other members: ${error.message}`));
  const failure = await Promise.race([member.failed, aborted(stop).then(() => undefined)]);
  if (failure === undefined) {
    say(`${String(stop.reason)}: stopping`);
    await Promise.race([served.drain(drainGraceMs).then(() => handOver(member)), member.failed]);
  }
  await Promise.all([served.close(), gossip.leave()]);
  await member.close();
  if (failure !== undefined) throw environmentError(`${member.name} stopped by itself: ${failure.message}`, failure);
  say(`${member.name} has stopped; its data is kept`);
  return exitCodes.ok;
}

/**
 * One that leads lets another lead, before its clients go: nobody then waits for an election. Where no other takes over
 * within an election timeout, it stops as it is.
 */
async function handOver({ node }: ReplicatedMember): Promise<void> {
  if (node.raft.role === "leader") await node.transferLeadership().catch(() => undefined);
}
