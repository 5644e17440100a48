import type { FaultTarget, FaultTargets, Selector } from "holdfast/proof";
import type { Timer, World } from "holdfast/runtime";
import type { SimulatedCluster, Slot } from "./simulated-cluster.ts";

/** A simulated cluster as faults see it: its members, and those of them who lead or vote when the moment has come. */
export function clusterTargets(world: World, cluster: SimulatedCluster): FaultTargets {
  const target = (slot: Slot): FaultTarget => ({
    process: slot.process,
    taps: [slot.tap],
    start: () => cluster.start(slot),
    stop: (how) => cluster.stop(slot, how),
  });
  return {
    nodes: new Map(cluster.slots.map((slot) => [slot.name, target(slot)])),
    selectors: {
      leader(found) {
        if (cluster.leader !== undefined) found([cluster.leader.name]);
        return undefined;
      },
      // Early enough, what it wrote as a leader has reached some and not others.
      "next-leader": next(world, cluster, (lastTerm) => {
        const { leader } = cluster;
        return leader !== undefined && leader.member!.node.raft.term > lastTerm ? leader : undefined;
      }),
      "next-voter": next(world, cluster, (lastTerm) =>
        cluster.running.find(({ member }) => {
          const { term, vote, id } = member!.node.raft;
          return term > lastTerm && vote !== 0 && vote !== id;
        }),
      ),
    },
  };
}

/** Looks after every step for the one that does something in a term that has not begun yet; strikes shortly after. */
function next(world: World, cluster: SimulatedCluster, find: (lastTerm: number) => Slot | undefined): Selector {
  return (found) => {
    const lastTerm = Math.max(0, ...cluster.running.map(({ member }) => member!.node.raft.term));
    let timer: Timer | undefined;
    const stop = world.onStep(() => {
      const slot = find(lastTerm);
      if (slot === undefined) return;
      stop();
      timer = world.clock.setTimer(fewRoundTrips(world, cluster), () => found([slot.name]));
    });
    return () => {
      stop();
      timer?.cancel();
    };
  };
}

/** A time in which a message or a sync may just have happened, or not. */
function fewRoundTrips({ random }: World, { parameters }: SimulatedCluster): number {
  const { network, disk } = parameters;
  return random.next() ** 2 * 6 * (network.latencyMs + network.jitterMs + disk.syncMs);
}
