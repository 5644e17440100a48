import { configurationOf, emptyConfiguration, formatAddress } from "holdfast/consensus";
import type { InitialMember } from "holdfast/coordination";
import type { Runtime } from "holdfast/runtime";
import { openDurableLog } from "../../packages/holdfast/src/consensus/log/open-durable-log.ts";
import { clusterId, memberId } from "../../packages/holdfast/src/coordination/member-identity.ts";

/**
 * Makes a member's directory, unless it is there: one of the first `founders` starts with all of those, any other one in
 * no configuration, until it is told.
 */
export async function makeDirectory(
  { disk }: Runtime,
  name: string,
  members: readonly InitialMember[],
  founders: number,
): Promise<void> {
  const cluster = { name: "simulated", members };
  const ids = members.slice(0, founders).map((member) => memberId(cluster, member.name));
  const addresses = new Map(ids.map((id, at) => [id, formatAddress(members[at]!.peer)]));
  const { log } = await openDurableLog({
    disk,
    directory: "/data",
    identity: { clusterId: clusterId(cluster), nodeId: memberId(cluster, name) },
    bootstrap: ids.includes(memberId(cluster, name)) ? configurationOf(ids, addresses) : emptyConfiguration,
  });
  await log.close();
}
