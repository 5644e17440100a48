import type { HealingMemory } from "./healing-memory.ts";
import type { HealingSettings } from "./healing-options.ts";
import { doesAnswer, learnersIn, votersIn, type ObservedMember, type Observation } from "./observed-cluster.ts";

/** One look at the cluster, and what it is judged by. */
export interface Scene {
  readonly observation: Observation;
  readonly memory: HealingMemory;
  readonly settings: HealingSettings;
  readonly nowMs: number;
}

/** Why a member has to be replaced; undefined while there is hope. */
export function doomOf(member: ObservedMember, { memory, settings, nowMs }: Scene): string | undefined {
  const { id, name, lost, liveness, sinceMs, canRestart, isDiskFull } = member;
  const lostForMs = memory.lasting(`lost ${id}`, lost !== null, nowMs);
  const fullForMs = memory.lasting(`full ${id}`, isDiskFull, nowMs);
  if (lost !== null) return lostForMs >= settings.confirmMs ? `${name} is lost: ${lost}` : undefined;
  if (fullForMs >= 2 * settings.weakForMs) return `the disk of ${name} has been full for ${seconds(fullForMs)}`;
  if (liveness === "answers") return undefined;
  if (liveness === "starting") {
    return sinceMs >= settings.startForMs ? `${name} has not become ready for ${seconds(sinceMs)}` : undefined;
  }
  if (sinceMs < settings.deadForMs) return undefined;
  const tried = memory.lastHour("restart", nowMs, id).length;
  if (canRestart && tried < settings.restartsPerHour) return undefined;
  const after = tried === 0 ? "" : `, after ${tried} restarts`;
  return `${name} has not answered for ${seconds(sinceMs)}${after}`;
}

/** In the way of those that wait for it. */
export function isWeak({ isSlow, isDiskFull }: ObservedMember): boolean {
  return isSlow || isDiskFull;
}

/** Voters that healing cares for. */
export function managedVoters({ observation }: Scene): readonly ObservedMember[] {
  return votersIn(observation).filter(({ isManaged }) => isManaged);
}

/** How many voters are missing, or will be when those that are doomed have gone. */
export function missingVoters(scene: Scene): number {
  const lasting = managedVoters(scene).filter((member) => doomOf(member, scene) === undefined);
  return scene.settings.desired.voters - lasting.length;
}

/** What is not as it should be; undefined at full strength. */
export function weaknessOf(scene: Scene): string | undefined {
  const { observation, settings } = scene;
  if (observation.leader === null) return "nobody leads";
  const managed = managedVoters(scene);
  const bad = observation.members.find((member) => member.isManaged && (member.lost !== null || !doesAnswer(member)));
  if (bad !== undefined) return bad.lost === null ? `${bad.name} does not answer` : `${bad.name} is lost: ${bad.lost}`;
  if (managed.length !== settings.desired.voters) {
    return `${managed.length} members vote, and ${settings.desired.voters} shall`;
  }
  const [learner] = learnersIn(observation).filter(({ isManaged }) => isManaged);
  if (learner !== undefined) return `${learner.name} does not vote yet`;
  const weak = managed.find(isWeak);
  return weak === undefined ? undefined : `${weak.name} ${weak.isDiskFull ? "has a full disk" : "is slow"}`;
}

export function seconds(durationMs: number): string {
  return `${Math.round(durationMs / 1000)} s`;
}
