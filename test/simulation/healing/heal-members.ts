import { membersOf } from "holdfast/consensus";
import { healCluster, type Healer } from "holdfast/recovery";
import { simulate, simulationReport, type Random, type SimulationReport, type World } from "holdfast/runtime";
import { InvariantViolation } from "../invariant-violation.ts";
import { Invariants } from "../invariants.ts";
import type { Parameters } from "../parameters.ts";
import { drawOne, SimulatedCluster, type Slot } from "../simulated-cluster.ts";
import { roomOf } from "./member-room.ts";

export interface MemberHealingRun {
  readonly violation: string | undefined;
  readonly faults: Readonly<Record<string, number>>;
  /** What healing has done well, by kind. */
  readonly done: Readonly<Record<string, number>>;
  readonly refused: number;
  readonly virtualMs: number;
}

const second = 1_000;
const minute = 60 * second;
const wholeWithinMs = 20 * minute;

const parameters: Parameters = {
  members: 3,
  witnesses: 0,
  clients: 0,
  keys: 1,
  thinkMs: 100,
  busyMs: 0,
  heartbeatMs: 100,
  electionTimeoutMs: 500,
  snapshotEntries: 60,
  trailingEntries: 10,
  segmentBytes: 16 * 1024,
  maxAppendBytes: 256 * 1024,
  network: { latencyMs: 1, jitterMs: 2 },
  clock: { maxSkewMs: 0, maxDriftPpm: 200 },
  disk: { syncMs: 1 },
  always: { loss: 0, duplicate: 0, late: 0, lateMs: 10, slowSync: 0, syncError: 0 },
  lostAnswers: 0,
  faultEveryMs: 1_000,
  faultKinds: [],
  reads: "quorum",
  clockDriftRatio: 0.1,
  spares: 12,
  operations: { kinds: [], everyMs: 1_000 },
  watchers: 0,
  holders: 0,
  compactEveryMs: 0,
};

/** Real members that are killed, stopped, cut off and burnt down for so long, and a healer beside each of them. */
export async function healMembers(seed: number, busyMs: number): Promise<MemberHealingRun> {
  const done: Record<string, number> = {};
  let refused = 0;
  const resultOf = (report: Partial<SimulationReport>, violation?: string): MemberHealingRun => {
    return { violation, faults: report.faults ?? {}, done, refused, virtualMs: report.virtualMs ?? 0 };
  };
  const { network, disk, clock } = parameters;
  try {
    const report = await simulate(
      { seed, network, disk, clock, maxVirtualMs: busyMs + 2 * wholeWithinMs, maxSteps: 20_000_000 },
      async (world) => {
        const cluster = new SimulatedCluster(world, parameters, undefined);
        cluster.faulty = false;
        const invariants = new Invariants();
        const configurations = new ConfigurationWatch(cluster);
        world.onStep(() => {
          invariants.check(cluster.observed());
          configurations.look();
        });
        cluster.onSend = (message) => invariants.onSend(message);
        const knowsLoss = world.random.fork("room").next() < 0.5;
        const healers = cluster.slots.map((slot): Healer => {
          return healCluster({
            desired: { voters: parameters.members },
            clock: world.clock,
            replacementsPerHour: Infinity,
            ports: roomOf({ cluster, slot, clock: world.clock, knowsLoss }),
            onDecision: (decision) => {
              if (decision.type !== "ended") return;
              if (decision.outcome === "done") done[decision.action.type] = (done[decision.action.type] ?? 0) + 1;
              if (decision.outcome === "refused") refused++;
            },
            onError: (error) => {
              throw error;
            },
          });
        });
        for (const slot of cluster.slots) cluster.start(slot);
        await liveThrough(world, cluster, busyMs);
        for (const healer of healers) healer.close();
      },
    );
    return resultOf(report);
  } catch (error) {
    const { message, stack } = error as Error;
    return resultOf(simulationReport(error) ?? {}, error instanceof InvariantViolation ? message : stack);
  }
}

async function liveThrough(world: World, cluster: SimulatedCluster, busyMs: number): Promise<void> {
  const { clock } = world;
  const random = world.random.fork("chaos");
  const faults: (() => void)[] = [];
  let leaderlessSince: number | undefined;
  /** Every second: machines that were added are started; and where nobody leads for long, somebody comes and starts all. */
  const tend = async (untilMs: number, isOver: () => boolean): Promise<void> => {
    while (clock.now() < untilMs && !isOver()) {
      await clock.sleep(second);
      adoptAdded(cluster);
      leaderlessSince = cluster.leader === undefined ? (leaderlessSince ?? clock.now()) : undefined;
      if (leaderlessSince === undefined || clock.now() - leaderlessSince < minute) continue;
      leaderlessSince = undefined;
      cluster.count("person");
      for (const slot of cluster.slots) revive(cluster, slot);
    }
  };
  for (const untilMs = clock.now() + busyMs; clock.now() < untilMs;) {
    const heal = strike(world, cluster, random);
    if (heal !== undefined) faults.push(heal);
    // Often the next one comes before the last one is healed.
    await tend(clock.now() + (1 + random.next() * 2 * 60) * second, () => false);
  }
  for (const heal of faults) heal();
  await tend(clock.now() + wholeWithinMs, () => isWhole(cluster));
  if (!isWhole(cluster)) {
    const states = cluster.slots
      .filter(({ lives }) => lives > 0)
      .map(({ name, isOut, process }) => `${name} ${isOut ? "gone" : process.state}`);
    throw new InvariantViolation("a cluster that is left alone becomes whole", states.join(", "));
  }
}

/** As an operator would: whoever is in a configuration and does not run yet is started. */
function adoptAdded(cluster: SimulatedCluster): void {
  for (const { member } of cluster.running) {
    const { configuration } = member!.node.raft;
    for (const [id, address] of configuration.addresses) {
      if (cluster.slot(id) !== undefined) continue;
      const others = configuration.voters.flatMap((voter) => cluster.slot(voter) ?? []);
      cluster.adopt(id, address.split(":")[0]!, others);
    }
  }
}

function revive(cluster: SimulatedCluster, slot: Slot): void {
  if (slot.isOut) return;
  if (slot.process.state === "paused") slot.process.resume();
  if (slot.process.state === "crashed") cluster.start(slot);
}

/** Breaks something; gives what takes it back, where anything can. */
function strike(world: World, cluster: SimulatedCluster, random: Random): (() => void) | undefined {
  const slot = drawOne(
    random,
    cluster.running.filter(({ process }) => process.state === "running"),
  );
  if (slot === undefined) return undefined;
  const { host } = slot.process;
  const later = (heal: () => void, mostMs: number): (() => void) => {
    world.clock.setTimer(random.next() * mostMs, heal);
    return heal;
  };
  switch (drawOne(random, ["kill", "power", "burn", "burn", "stop", "cut", "cutSome"] as const)!) {
    case "kill":
    case "power":
      cluster.count("kill", slot);
      cluster.stop(slot, random.next() < 0.5 ? "kill" : "power");
      return random.next() < 0.5 ? later(() => revive(cluster, slot), 20 * second) : undefined;
    case "burn":
      if (!maySpare(cluster, slot)) return undefined;
      cluster.count("burn", slot);
      cluster.retire(slot, "power");
      return undefined;
    case "stop": {
      cluster.count("stop", slot);
      slot.process.pause();
      const { lives } = slot;
      return later(() => {
        if (slot.lives === lives && slot.process.state === "paused") slot.process.resume();
      }, 2 * minute);
    }
    case "cut":
      cluster.count("cut", slot);
      return later(world.network.partition([host], others(cluster, [host])), 2 * minute);
    default: {
      const hosts = cluster.running.filter(() => random.next() < 0.5).map(({ process }) => process.host);
      if (hosts.length === 0) return undefined;
      cluster.count("cut-some");
      return later(world.network.partition(hosts, others(cluster, hosts)), minute);
    }
  }
}

function others(cluster: SimulatedCluster, hosts: readonly string[]): string[] {
  return cluster.slots.map(({ process }) => process.host).filter((host) => !hosts.includes(host));
}

/** Whether a majority of every configuration that anybody holds is left without it, should its learners vote, too. */
function maySpare(cluster: SimulatedCluster, one: Slot): boolean {
  const held = cluster.running.flatMap(({ member }) => member!.node.raft.configurations);
  return held.every(({ configuration }) => {
    const members = membersOf(configuration);
    const left = members.filter((id) => id !== one.id && cluster.slot(id)?.isOut === false).length;
    return left * 2 > members.length;
  });
}

function isWhole(cluster: SimulatedCluster): boolean {
  const raft = cluster.leader?.member?.node.raft;
  if (raft === undefined || raft.configurations.at(-1)!.index > raft.commit) return false;
  const { voters, votersOutgoing, learners } = raft.configuration;
  if (voters.length !== parameters.members || votersOutgoing.length > 0 || learners.length > 0) return false;
  return voters.every((id) => {
    const slot = cluster.slot(id);
    const node = slot?.process.state === "running" ? slot.member?.node : undefined;
    return node !== undefined && node.applied === raft.commit && node.raft.leader === raft.id;
  });
}

/** Looks at each configuration as soon as a leader has it in its log, when it counts. */
class ConfigurationWatch {
  readonly #cluster: SimulatedCluster;
  #last = "";
  #voters: readonly number[] = [];

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  look(): void {
    const raft = this.#cluster.leader?.member?.node.raft;
    if (raft === undefined) return;
    const { voters } = raft.configuration;
    const now = voters.join();
    if (now === this.#last) return;
    const before = this.#voters;
    this.#last = now;
    this.#voters = voters;
    if (before.length === 0) return;
    const lasting = (ids: readonly number[]): number =>
      ids.filter((id) => this.#cluster.slot(id)?.isOut !== true).length;
    const names = (ids: readonly number[]): string => ids.map((id) => this.#cluster.slot(id)?.name ?? id).join();
    if (lasting(voters) * 2 <= voters.length && lasting(before) * 2 > before.length) {
      throw new InvariantViolation("healing never takes the quorum", `${names(before)} became ${names(voters)}`);
    }
    if (voters.length < before.length && voters.length < parameters.members) {
      throw new InvariantViolation("another is there before one goes", `${names(before)} became ${names(voters)}`);
    }
    if (voters.length > parameters.members + 1) {
      throw new InvariantViolation("one is replaced after the other", `${names(voters)} vote`);
    }
  }
}
