import { changesMembers, subjectOf, type HealingAction } from "./healing-action.ts";
import { managedVoters, seconds, type Scene } from "./healing-health.ts";
import { canDecide, doesAnswer, learnersIn, memberIn, votersIn, type ObservedMember } from "./observed-cluster.ts";
import { suspectedPartition } from "./suspected-partition.ts";

/** Why something is not done that would be right, by name. */
export type GuardName =
  | "noLeader"
  | "changePending"
  | "partition"
  | "quorum"
  | "addFirst"
  | "oneAtATime"
  | "othersAway"
  | "detectorsDisagree"
  | "coolDown"
  | "limit";

/** Looks at an action and tells why not; undefined when nothing is against it. */
export type Guard = (action: HealingAction, scene: Scene) => string | undefined;

/** In the order in which they are asked; the first that is against it is the reason. */
const guards: Readonly<Record<GuardName, Guard>> = {
  noLeader: (_, { observation }) => (observation.leader === null ? "nobody leads" : undefined),
  changePending: (action, { observation }) =>
    changesMembers(action) && !observation.isSettled ? "a change of the members is under way" : undefined,
  partition: (_, scene) => suspectedPartition(scene),
  quorum: guardQuorum,
  addFirst: guardAddFirst,
  oneAtATime: guardOneAtATime,
  othersAway: guardOthers,
  detectorsDisagree: guardDetectors,
  coolDown: guardCoolDown,
  limit: guardLimit,
};

/** All but those that count what has been done: the order itself is among that by now. */
export const lastingGuards: ReadonlySet<GuardName> = new Set(
  (Object.keys(guards) as GuardName[]).filter((guard) => guard !== "coolDown" && guard !== "limit"),
);

/** The first reason against an action, of all guards or of these. */
export function objection(
  action: HealingAction,
  scene: Scene,
  asked?: ReadonlySet<GuardName>,
): { readonly guard: GuardName; readonly reason: string } | undefined {
  for (const [guard, ask] of Object.entries(guards) as [GuardName, Guard][]) {
    const reason = asked?.has(guard) === false ? undefined : ask(action, scene);
    if (reason !== undefined) return { guard, reason };
  }
  return undefined;
}

/** Whether it may cost those something who are well: everything but the steps that end what was begun. */
export function disturbs(action: HealingAction, { observation }: Pick<Scene, "observation">): boolean {
  if (action.type === "promote") return false;
  if (action.type !== "remove") return true;
  const member = memberIn(observation, action.member);
  return member !== undefined && member.kind !== "learner" && doesAnswer(member);
}

/** Those who answer now must be a majority of the voters that there will be. */
function guardQuorum(action: HealingAction, { observation, settings }: Scene): string | undefined {
  if (settings.plant === "no-quorum-check") return undefined;
  const after = votersAfter(action, votersIn(observation), observation.members);
  if (canDecide(after)) return undefined;
  return `${after.filter(doesAnswer).length} of ${after.length} voters would answer`;
}

function votersAfter(
  action: HealingAction,
  voters: readonly ObservedMember[],
  members: readonly ObservedMember[],
): readonly ObservedMember[] {
  switch (action.type) {
    case "promote":
      return [...voters, ...members.filter(({ id, kind }) => id === action.member && kind === "learner")];
    case "remove":
      return voters.filter(({ id }) => id !== action.member);
    case "restart":
      // It is away for a while.
      return voters.map((voter) => (voter.id === action.member ? { ...voter, liveness: "stopped" } : voter));
    default:
      return voters;
  }
}

/** Nobody goes before there is another in the place. */
function guardAddFirst(action: HealingAction, scene: Scene): string | undefined {
  if (action.type !== "remove" || scene.settings.plant === "remove-before-add") return undefined;
  const managed = managedVoters(scene);
  if (!managed.some(({ id }) => id === action.member)) return undefined;
  const { voters } = scene.settings.desired;
  return managed.length > voters ? undefined : `only ${managed.length - 1} of ${voters} voters would be left`;
}

/** One replacement after the other. */
function guardOneAtATime(action: HealingAction, scene: Scene): string | undefined {
  if (action.type !== "addLearner" || scene.settings.plant === "two-at-once") return undefined;
  const [learner] = learnersIn(scene.observation);
  if (learner !== undefined) return `${learner.name} is being taken in`;
  const { voters } = scene.settings.desired;
  return managedVoters(scene).length > voters ? "the one before it is not removed yet" : undefined;
}

/** Who is well is not touched while another is away. */
function guardOthers(action: HealingAction, { observation, settings }: Scene): string | undefined {
  if (settings.plant === "no-quorum-check") return undefined;
  const subject = memberIn(observation, subjectOf(action) ?? "");
  if (subject === undefined || !doesAnswer(subject) || subject.kind === "learner") return undefined;
  if (action.type !== "restart" && action.type !== "remove") return undefined;
  if (action.type === "remove" && subject.lost !== null) return undefined;
  const away = votersIn(observation).find((voter) => voter.id !== subject.id && !doesAnswer(voter));
  return away === undefined ? undefined : `${away.name} is away`;
}

/** Who is alive to one detector and silent to the other may be cut off, and is not given up. */
function guardDetectors(action: HealingAction, { observation, settings }: Scene): string | undefined {
  if (action.type !== "addLearner" && action.type !== "remove") return undefined;
  if (settings.plant === "ignore-partition") return undefined;
  const subject = memberIn(observation, subjectOf(action) ?? "");
  if (subject === undefined || subject.kind === "learner" || subject.lost !== null) return undefined;
  if (subject.liveness !== "silent" || subject.gossip !== "alive") return undefined;
  return `gossip hears ${subject.name}, and Raft does not`;
}

function guardCoolDown(action: HealingAction, scene: Scene): string | undefined {
  if (!disturbs(action, scene) || scene.settings.plant === "two-at-once") return undefined;
  const leftMs = scene.memory.disturbedAtMs + scene.settings.coolDownMs - scene.nowMs;
  return leftMs <= 0 ? undefined : `the last one was ${seconds(scene.settings.coolDownMs - leftMs)} ago`;
}

/** So much and no more within an hour; what was begun is ended in any case. */
function guardLimit(action: HealingAction, { memory, settings, nowMs }: Scene): string | undefined {
  const most = {
    restart: settings.restartsPerHour,
    addLearner: settings.replacementsPerHour,
    transferLeadership: settings.transfersPerHour,
    moveLoad: settings.movesPerHour,
    scale: settings.scalingsPerHour,
    promote: Infinity,
    remove: Infinity,
  }[action.type];
  const member = action.type === "restart" ? action.member : undefined;
  const done = memory.lastHour(action.type, nowMs, member).length;
  return done < most ? undefined : `${done} within the last hour are the limit`;
}
