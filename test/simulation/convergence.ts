import { isJoint, type Configuration } from "holdfast/consensus";
import type { World } from "holdfast/runtime";
import { InvariantViolation } from "./invariant-violation.ts";
import type { Operator } from "./operator.ts";
import type { SimulatedCluster, Slot } from "./simulated-cluster.ts";

/** How long a healed cluster may take to agree. */
const convergeMs = 30_000;

/**
 * Waits until one member leads, the last configuration is committed and whole, and all of its members that are not lost
 * have it and have applied the same; their states are compared after every step anyway.
 */
export async function converge(world: World, cluster: SimulatedCluster, operator: Operator): Promise<void> {
  const limit = world.clock.now() + convergeMs;
  for (;;) {
    await world.clock.sleep(100);
    if (hasConverged(cluster)) return;
    await operator.tidyUp();
    if (world.clock.now() < limit) continue;
    const states = cluster.slots.filter(({ lives }) => lives > 0).map(describe);
    throw new InvariantViolation("convergence", `after ${convergeMs} ms without faults: ${states.join("; ")}`);
  }
}

function hasConverged(cluster: SimulatedCluster): boolean {
  const leader = cluster.leader?.member?.node.raft;
  if (leader === undefined) return false;
  const { configuration, configurations, commit, id: leading } = leader;
  if (configurations.at(-1)!.index > commit || isJoint(configuration)) return false;
  const members = [...configuration.voters, ...configuration.learners].map((id) => cluster.slot(id));
  return members
    .filter((slot) => slot === undefined || (!slot.isLost && !slot.isOut))
    .every((slot) => {
      const member = slot?.member;
      if (member === undefined) return false;
      const { raft, applied } = member.node;
      return applied === commit && raft.leader === leading && isSame(raft.configuration, configuration);
    });
}

function isSame(one: Configuration, other: Configuration): boolean {
  return (["voters", "votersOutgoing", "learners", "witnesses"] as const).every(
    (part) => one[part].join() === other[part].join(),
  );
}

function describe({ name, member, process, isOut }: Slot): string {
  if (member === undefined) return `${name} ${isOut ? "gone" : process.state} not running`;
  const { raft, applied } = member.node;
  const { voters, votersOutgoing, learners } = raft.configuration;
  const configuration = `${voters.length} voters, ${votersOutgoing.length} outgoing, ${learners.length} learners`;
  return `${name} ${process.state} ${raft.role} term ${raft.term} commit ${raft.commit} applied ${applied} last ${raft.log.lastIndex} (${configuration})`;
}
