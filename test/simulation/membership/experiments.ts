import { seededRandom } from "holdfast/runtime";
import type { SwimOptions } from "../../../packages/holdfast/src/membership/swim-options.ts";
import { SwimCluster, type SimulatedMember } from "./swim-cluster.ts";

export interface ScaleOptions {
  readonly size: number;
  readonly seed: number;
  readonly loss: number;
  /** How long to count messages before the failure. */
  readonly quietMs: number;
  readonly swim?: Partial<SwimOptions>;
}

export interface ScaleResult {
  /** From the failure to the first member that suspects the failed one, to the first and to the last that hold it for dead. */
  readonly firstSuspectMs: number;
  readonly firstFailedMs: number;
  readonly allFailedMs: number;
  /** Packets a member sends in a second, with nothing going on. */
  readonly packetsPerSecond: number;
  /** Members that live and were declared dead by anybody. */
  readonly falsePositives: number;
  /** From a newcomer's first message until everyone knows it. */
  readonly joinMs: number;
}

/** One member joins an old cluster, then one dies. */
export function measureScale({ size, seed, loss, quietMs, swim }: ScaleOptions): ScaleResult {
  const cluster = new SwimCluster({ size, seed, loss, acquainted: true, checked: false, ...(swim && { swim }) });
  const random = seededRandom(seed).fork("scale");
  let falsePositives = 0;
  let firstSuspect = Number.NaN;
  let firstFailed = Number.NaN;
  let victim: SimulatedMember | undefined;
  let newcomer: SimulatedMember | undefined;
  let killedAt = 0;
  let [met, mourning] = [0, 0];
  cluster.onEvent = (_, event) => {
    if (event.type === "join" && event.member.name === newcomer?.name) met++;
    if (event.type === "failed" && event.member.name !== victim?.name) falsePositives++;
    if (event.type === "suspect" && event.member.name === victim?.name) firstSuspect ||= cluster.now - killedAt;
    if (event.type !== "failed" || event.member.name !== victim?.name) return;
    firstFailed ||= cluster.now - killedAt;
    mourning++;
  };
  // Members start at random moments of their first period; let every one have begun.
  cluster.advance(2_000);
  const [packets, streams] = [cluster.packets, cluster.streams];
  cluster.advance(quietMs);
  const sent = cluster.packets - packets + 2 * (cluster.streams - streams);
  newcomer = cluster.add();
  cluster.join(newcomer, cluster.member(random.integer(0, size - 1)));
  const joinMs = cluster.advanceUntil(() => met === size, 300_000);
  cluster.advance(5_000);
  victim = cluster.member(random.integer(0, size - 1));
  cluster.kill(victim);
  killedAt = cluster.now;
  const allFailedMs = cluster.advanceUntil(() => mourning === size, 300_000);
  return {
    firstSuspectMs: firstSuspect,
    firstFailedMs: firstFailed,
    allFailedMs,
    packetsPerSecond: (sent * 1_000) / (size * quietMs),
    falsePositives,
    joinMs,
  };
}

export interface SlownessOptions {
  readonly size: number;
  readonly seed: number;
  /** How many members are slow at times. */
  readonly slow: number;
  /** A slow member hears and says nothing for so long, then works for `restMs`, over and over. */
  readonly slowMs: number;
  readonly restMs: number;
  readonly durationMs: number;
  /** `slow`: messages are held back, timers are on time. `pause`: the whole process stands still. */
  readonly manner: "slow" | "pause";
  readonly swim?: Partial<SwimOptions>;
}

export interface SlownessResult {
  /** Times a member that was never slow was declared dead by one that was never slow, and by any. */
  readonly falseAtHealthy: number;
  readonly falseAtAny: number;
  readonly suspicions: number;
  /** How often members were slow. */
  readonly episodes: number;
  /** From a real failure at the end to the first, and the last, healthy member that holds it for dead. */
  readonly firstFailedMs: number;
  readonly allFailedMs: number;
}

/** Lifeguard's experiment: some members are slow again and again; how many others are wrongly declared dead? */
export function measureSlowness(options: SlownessOptions): SlownessResult {
  const { size, seed, slow, slowMs, restMs, durationMs, manner, swim } = options;
  const cluster = new SwimCluster({ size, seed, acquainted: true, checked: false, ...(swim && { swim }) });
  const random = seededRandom(seed).fork("slowness");
  const slowNames = new Set(cluster.members.slice(0, slow).map(({ name }) => name));
  let [falseAtHealthy, falseAtAny, suspicions, episodes] = [0, 0, 0, 0];
  let victim: SimulatedMember | undefined;
  let [killedAt, firstFailedMs] = [0, Number.NaN];
  cluster.onEvent = (observer, event) => {
    if (event.type !== "suspect" && event.type !== "failed") return;
    const { name } = event.member;
    const healthy = !slowNames.has(observer.name);
    if (name === victim?.name) {
      if (event.type === "failed" && healthy) firstFailedMs ||= cluster.now - killedAt;
    } else if (!slowNames.has(name)) {
      if (event.type === "suspect") suspicions++;
      else {
        falseAtAny++;
        if (healthy) falseAtHealthy++;
      }
    }
  };
  const begin = (member: SimulatedMember): void => {
    if (cluster.now >= durationMs) return;
    episodes++;
    if (manner === "slow") cluster.slow(member, slowMs);
    else cluster.pause(member, slowMs);
    cluster.at(cluster.now + slowMs + restMs, () => begin(member));
  };
  for (const member of cluster.members.slice(0, slow)) {
    cluster.at(5_000 + random.next() * (slowMs + restMs), () => begin(member));
  }
  cluster.advance(durationMs + slowMs);
  // The slow ones are slow still while the failure is to be noticed.
  victim = cluster.member(size - 1);
  for (const member of cluster.members.slice(0, slow)) {
    if (manner === "slow") cluster.slow(member, slowMs);
    else cluster.pause(member, slowMs);
  }
  cluster.kill(victim);
  killedAt = cluster.now;
  const healthyObservers = cluster.members.filter((member) => member !== victim && !slowNames.has(member.name));
  const dead = (observer: SimulatedMember): boolean => cluster.belief(observer, victim) === "dead";
  const allFailedMs = cluster.advanceUntil(() => healthyObservers.every(dead), 300_000);
  return { falseAtHealthy, falseAtAny, suspicions, episodes, firstFailedMs, allFailedMs };
}

export interface HealingOptions {
  readonly size: number;
  readonly seed: number;
  /** So many members are cut off from the rest. */
  readonly minority: number;
  readonly cutMs: number;
  readonly loss?: number;
  readonly swim?: Partial<SwimOptions>;
}

export interface HealingResult {
  /** Members held for dead by others when the cut was healed: without any there is nothing to measure. */
  readonly deaths: number;
  /** From the end of the cut until everybody holds everybody for alive. */
  readonly agreedMs: number;
  /** Declared dead by anybody after the cut was healed. */
  readonly falseDeaths: number;
}

/** A cut that heals: how long until nobody holds anybody for dead who is not? */
export function measureHealing({ size, seed, minority, cutMs, loss = 0, swim }: HealingOptions): HealingResult {
  const cluster = new SwimCluster({ size, seed, loss, acquainted: true, ...(swim && { swim }) });
  // Cuts begin and end at other moments of the members' periods with each seed.
  cluster.advance(5_000 + seededRandom(seed).fork("healing").next() * 5_000);
  cluster.passes = (from, to) => from.index < minority === to.index < minority;
  cluster.advance(cutMs);
  const deaths = cluster.members.reduce((sum, subject) => sum + cluster.believers(subject, "dead"), 0);
  let falseDeaths = 0;
  cluster.onEvent = (_, event) => {
    if (event.type === "failed") falseDeaths++;
  };
  cluster.passes = () => true;
  const agreedMs = cluster.advanceUntil(() => cluster.agreed, 600_000);
  cluster.advance(10_000);
  return { deaths, agreedMs, falseDeaths };
}
