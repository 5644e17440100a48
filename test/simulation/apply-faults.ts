import type { Clock, World } from "holdfast/runtime";
import type { FaultEvent } from "./fault-schedule.ts";
import type { SimulatedCluster, Slot } from "./simulated-cluster.ts";

/** Makes each fault happen at its moment and end after its time, until the busy time is over. */
export async function applyFaults(
  world: World,
  cluster: SimulatedCluster,
  faults: readonly FaultEvent[],
  untilMs: number,
): Promise<void> {
  const { clock } = world;
  for (const fault of faults) {
    await sleepUntil(clock, fault.atMs);
    strike(world, cluster, fault);
  }
  await sleepUntil(clock, untilMs);
}

async function sleepUntil(clock: Clock, time: number): Promise<void> {
  if (time > clock.now()) await clock.sleep(time - clock.now());
}

function strike(world: World, cluster: SimulatedCluster, { kind, targets, forMs }: FaultEvent): void {
  const target = cluster.slots[targets[0] ?? 0]!;
  const leader = cluster.leader;
  const hosts = targets.map((at) => cluster.slots[at]!.process.host);
  const others = cluster.slots.map(({ process }) => process.host).filter((host) => !hosts.includes(host));
  const { network, clock } = world;
  switch (kind) {
    case "crash":
    case "kill":
      restartLater(world, cluster, target, kind, forMs);
      return;
    case "crashLeader":
      if (leader !== undefined) restartLater(world, cluster, leader, "crash", forMs);
      return;
    case "crashNewLeader": {
      const lastTerm = highestTerm(cluster);
      once(world, forMs * 10, () => {
        const next = cluster.leader;
        if (next === undefined || next.member!.node.raft.term <= lastTerm) return false;
        // Early enough, what it wrote as a leader has reached some and not others.
        clock.setTimer(fewRoundTrips(world, cluster), () => restartLater(world, cluster, next, "crash", forMs));
        return true;
      });
      return;
    }
    case "crashVoter": {
      const lastTerm = highestTerm(cluster);
      once(world, forMs * 10, () => {
        const voter = cluster.running.find(({ member }) => {
          const { term, vote, id } = member!.node.raft;
          return term > lastTerm && vote !== 0 && vote !== id;
        });
        if (voter === undefined) return false;
        clock.setTimer(fewRoundTrips(world, cluster), () => restartLater(world, cluster, voter, "kill", forMs % 8));
        return true;
      });
      return;
    }
    case "crashAll":
      for (const slot of cluster.slots) restartLater(world, cluster, slot, "crash", forMs);
      return;
    case "pause":
      pause(world, target, forMs);
      return;
    case "isolate":
      network.isolate(target.process.host);
      healLater(world, cluster, forMs);
      return;
    case "isolateLeader":
      if (leader === undefined) return;
      network.isolate(leader.process.host);
      healLater(world, cluster, forMs);
      return;
    case "partition":
    case "oneWay":
      network.partition(hosts, others, { oneWay: kind === "oneWay" });
      healLater(world, cluster, forMs);
      return;
    case "bridge": {
      // One member hears both sides, which do not hear each other.
      const [bridge, ...side] = hosts.length > 0 ? hosts : others;
      const otherSide = cluster.slots
        .map(({ process }) => process.host)
        .filter((host) => !side.includes(host) && host !== bridge);
      network.partition(side, otherSide);
      healLater(world, cluster, forMs);
      return;
    }
    case "clog":
      for (const other of cluster.slots) {
        if (other !== target) network.clog(target.process.host, other.process.host, forMs);
      }
      return;
    case "breakConnections":
      network.breakConnections(target.process.host);
      return;
    case "wallJump":
      target.process.clock.jump((forMs % 2 === 0 ? 1 : -1) * forMs * 1_000);
      return;
    case "slowLeader":
      // Its time goes by at less than half the speed of everyone's.
      leader?.process.clock.setDrift(-600_000);
      clock.setTimer(4 * forMs, () => leader?.process.clock.setDrift(0));
      return;
    case "failSync":
      target.process.disk.failNext("sync");
      return;
    case "fullDisk":
      target.process.disk.limitFree(0);
      clock.setTimer(forMs, () => target.process.disk.limitFree(undefined));
  }
}

/** The network is whole again when the last cut is over. */
function healLater({ clock, network }: World, cluster: SimulatedCluster, afterMs: number): void {
  const at = clock.now() + afterMs;
  cluster.cutUntil = Math.max(cluster.cutUntil, at);
  clock.setTimer(afterMs, () => {
    if (cluster.cutUntil === at) network.heal();
  });
}

function restartLater(
  world: World,
  cluster: SimulatedCluster,
  slot: Slot,
  how: "crash" | "kill",
  afterMs: number,
): void {
  if (slot.process.state === "crashed") return;
  cluster.stop(slot, how);
  const { lives } = slot;
  world.clock.setTimer(afterMs, () => {
    if (slot.lives === lives && slot.process.state === "crashed") cluster.start(slot);
  });
}

function pause(world: World, slot: Slot, forMs: number): void {
  if (slot.process.state !== "running") return;
  slot.process.pause();
  world.clock.setTimer(forMs, () => {
    if (slot.process.state === "paused") slot.process.resume();
  });
}

/** A time in which a message or a sync may just have happened, or not. */
function fewRoundTrips({ random }: World, { parameters }: SimulatedCluster): number {
  const { network, disk } = parameters;
  return random.next() ** 2 * 6 * (network.latencyMs + network.jitterMs + disk.syncMs);
}

function highestTerm(cluster: SimulatedCluster): number {
  return Math.max(0, ...cluster.running.map(({ member }) => member!.node.raft.term));
}

/** Looks after every step whether the moment has come, for so long at the most. */
function once(world: World, forMs: number, strikes: () => boolean): void {
  const until = world.clock.now() + forMs;
  const stop = world.onStep(() => {
    if (strikes() || world.clock.now() > until) stop();
  });
}
