import { uneven } from "./uneven-load.ts";
import type { HealingAction } from "./healing-action.ts";
import { doomOf, isWeak, managedVoters, missingVoters, seconds, type Scene } from "./healing-health.ts";
import { doesAnswer, learnersIn, votersIn, type ObservedMember } from "./observed-cluster.ts";

/** What would be right to do, whatever speaks against it. */
export interface Wish {
  readonly action: HealingAction;
  readonly because: string;
}

/** The most pressing first: what is half done is ended before anything new is begun. */
export function wishes(scene: Scene): readonly Wish[] {
  return [...endings(scene), ...reliefs(scene), ...restarts(scene), ...additions(scene), ...uneven(scene)];
}

/** Ends replacements: learners that are ready vote, those who are too many go. */
function* endings(scene: Scene): Generator<Wish> {
  const { memory, settings, nowMs, observation } = scene;
  const managed = managedVoters(scene);
  const doomed = managed.flatMap((member) => {
    const why = doomOf(member, scene);
    return why === undefined ? [] : [{ member, why }];
  });
  const tooMany = managed.length - settings.desired.voters;
  for (const { member, why } of doomed) {
    if (tooMany > 0 || settings.plant === "remove-before-add") {
      yield { action: { type: "remove", member: member.id }, because: `${why}, and another has taken its place` };
    }
  }
  // All of those who are too many are well: one that was given up has come back.
  if (tooMany > 0 && doomed.length === 0 && managed.every(doesAnswer)) {
    const member = leastNeeded(managed, observation.leader);
    yield {
      action: { type: "remove", member: member.id },
      because: `${managed.length} vote, which is ${tooMany} too many`,
    };
  }
  const missing = missingVoters(scene);
  for (const learner of learnersIn(observation).filter(({ isManaged }) => isManaged)) {
    const { id, name } = learner;
    const ageMs = memory.lasting(`learner ${id}`, true, nowMs);
    const why = doomOf(learner, scene);
    const action = { type: "remove", member: id } as const;
    if (why !== undefined) yield { action, because: why };
    else if (missing <= 0) yield { action, because: `${name} is not needed any more` };
    else if (hasCaughtUp(learner, scene)) {
      yield { action: { type: "promote", member: id }, because: `${name} has caught up` };
    } else if (ageMs >= settings.learnerPatienceMs) {
      yield { action, because: `${name} has not caught up within ${seconds(ageMs)}` };
    }
  }
}

function hasCaughtUp(learner: ObservedMember, { settings }: Scene): boolean {
  return doesAnswer(learner) && learner.lagEntries !== null && learner.lagEntries <= settings.maxLagEntries;
}

function leastNeeded(members: readonly ObservedMember[], leader: string | null): ObservedMember {
  const cost = (member: ObservedMember): number =>
    (member.id === leader ? 1e15 : 0) - (isWeak(member) ? 1e12 : 0) - (member.lagEntries ?? 0);
  return members.toSorted((a, b) => cost(a) - cost(b) || (a.name < b.name ? 1 : -1))[0]!;
}

/** Who is slow, or cannot write, does not lead, and is started anew when that is not enough. */
function* reliefs(scene: Scene): Generator<Wish> {
  const { observation, memory, settings, nowMs } = scene;
  for (const member of observation.members) {
    const { id, name, isDiskFull, isManaged, isSlow, canRestart } = member;
    const forMs = memory.lasting(`weak ${id}`, isWeak(member) && doesAnswer(member), nowMs);
    if (forMs < settings.weakForMs) continue;
    const because = `${name} ${isDiskFull ? "has had a full disk" : "has been slow"} for ${seconds(forMs)}`;
    if (id === observation.leader) {
      const to = bestLeader(scene);
      if (to !== undefined) yield { action: { type: "transferLeadership", from: id, to: to.id }, because };
    } else if (isSlow && isManaged && canRestart && forMs >= 2 * settings.weakForMs && isDue(member, scene)) {
      yield { action: { type: "restart", member: id }, because };
    }
  }
}

function bestLeader({ observation, settings }: Scene): ObservedMember | undefined {
  return votersIn(observation)
    .filter((member) => member.kind === "voter" && member.id !== observation.leader && member.lost === null)
    .filter((member) => doesAnswer(member) && !isWeak(member))
    .filter(({ lagEntries }) => lagEntries !== null && lagEntries <= settings.maxLagEntries)
    .toSorted((a, b) => a.lagEntries! - b.lagEntries! || (a.name < b.name ? -1 : 1))[0];
}

/** Who does not answer is started anew, after ever longer waits. */
function* restarts(scene: Scene): Generator<Wish> {
  const { observation, settings } = scene;
  for (const member of observation.members) {
    const { id, name, liveness, sinceMs, lost, canRestart, isManaged } = member;
    if (!isManaged || !canRestart || lost !== null || (liveness !== "silent" && liveness !== "stopped")) continue;
    if (sinceMs < settings.restartAfterMs || !isDue(member, scene)) continue;
    // Its last one: from then on it counts as dead.
    if (doomOf(member, scene) !== undefined) continue;
    yield { action: { type: "restart", member: id }, because: `${name} has not answered for ${seconds(sinceMs)}` };
  }
}

/** Whether the last restart was long enough ago, and there is one left. */
function isDue({ id }: ObservedMember, { memory, settings, nowMs }: Scene): boolean {
  const before = memory.lastHour("restart", nowMs, id);
  if (before.length >= settings.restartsPerHour) return false;
  return before.length === 0 || nowMs - before.at(-1)! >= settings.restartBackoffMs * 2 ** (before.length - 1);
}

/** Somebody for each who is doomed, and for those who are missing. */
function* additions(scene: Scene): Generator<Wish> {
  const { settings, observation } = scene;
  const managed = managedVoters(scene);
  const missing = missingVoters(scene) - (settings.plant === "two-at-once" ? 0 : learnersIn(observation).length);
  if (missing <= 0) return;
  const doomed = managed.filter((member) => doomOf(member, scene) !== undefined);
  const [first] = doomed.filter(({ kind }) => kind === "voter");
  if (first !== undefined) {
    const action = { type: "addLearner", replaces: first.id, zone: first.zone } as const;
    yield { action, because: doomOf(first, scene)! };
  } else if (doomed.length === 0) {
    const because = `${managed.length} members vote, and ${settings.desired.voters} shall`;
    yield { action: { type: "addLearner", replaces: null, zone: emptiestZone(scene) }, because };
  }
}

function emptiestZone({ settings, observation }: Scene): string | null {
  const { zones = [] } = settings.desired;
  const inhabitants = (zone: string): number => observation.members.filter((member) => member.zone === zone).length;
  return zones.toSorted((a, b) => inhabitants(a) - inhabitants(b) || (a < b ? -1 : 1))[0] ?? null;
}

/** What healing cannot do: somebody else has to. */
export function beyondHealing(scene: Scene): string | undefined {
  const { memory, settings, nowMs, observation } = scene;
  for (const member of managedVoters(scene)) {
    const doom = member.kind === "witness" ? doomOf(member, scene) : undefined;
    if (doom !== undefined) return `${doom}; a witness is replaced by hand`;
  }
  for (const member of observation.members.filter(isWeak)) {
    const forMs = memory.lasting(`weak ${member.id}`, doesAnswer(member), nowMs);
    if (forMs >= settings.personAfterMs) return `${member.name} has been weak for ${seconds(forMs)}, and stays so`;
  }
  return undefined;
}
