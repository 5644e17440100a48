import { aimOf, describeAction, type HealingAction, type HealingOrder } from "./healing-action.ts";
import type { HealingDecision, HealingOutcome } from "./healing-decision.ts";
import { disturbs, lastingGuards, objection } from "./healing-guards.ts";
import { weaknessOf, type Scene } from "./healing-health.ts";
import { HealingMemory } from "./healing-memory.ts";
import { checkHealingOptions, type HealingOptions, type HealingSettings } from "./healing-options.ts";
import { beyondHealing, wishes } from "./healing-wishes.ts";
import { learnersIn, votersIn, type Observation } from "./observed-cluster.ts";

export type HealingInput =
  /** `isFirst`: nobody has looked here for a while, and what was so before may have changed and changed back. */
  | { readonly type: "observed"; readonly atMs: number; readonly observation: Observation; readonly isFirst?: boolean }
  /** What was ordered is over. */
  | { readonly type: "ended"; readonly atMs: number; readonly outcome: HealingOutcome; readonly reason: string | null }
  /** A person has looked: limits begin anew. */
  | { readonly type: "acknowledged" };

export interface HealingEffects {
  /** To be done now, and its end to be told. */
  readonly order: HealingOrder | undefined;
  readonly decisions: readonly HealingDecision[];
}

/** The state of one healer. Changed only by `stepHealing`. */
export interface Healing {
  readonly settings: HealingSettings;
  readonly memory: HealingMemory;
  /** The last one. */
  observation: Observation | undefined;
}

/** @throws InvalidArgumentError for an option that breaks its rule */
export function createHealing(options: HealingOptions): Healing {
  return { settings: checkHealingOptions(options), memory: new HealingMemory(), observation: undefined };
}

/**
 * Compares what there is with what there shall be, and orders one action at the most: the first that would be right and
 * that no guard is against. Nothing is ordered before the last one has ended.
 */
export function stepHealing(healing: Healing, input: HealingInput): HealingEffects {
  if (input.type === "observed") {
    if (input.isFirst === true) healing.memory.forgetTimes();
    return look(healing, input.atMs, input.observation);
  }
  if (input.type === "ended") return end(healing, input);
  healing.memory.acknowledge();
  return { order: undefined, decisions: [] };
}

/**
 * What speaks against an order at the moment it is carried out, by a look that is as new as can be; undefined when nothing
 * does. For what a leader does not judge itself.
 */
export function recheckOrder(
  { memory, settings }: Healing,
  { action }: HealingOrder,
  { atMs, observation }: { readonly atMs: number; readonly observation: Observation },
): string | undefined {
  return objection(action, { observation, memory, settings, nowMs: atMs }, lastingGuards)?.reason;
}

function look(healing: Healing, nowMs: number, observation: Observation): HealingEffects {
  const { memory, settings } = healing;
  healing.observation = observation;
  const scene: Scene = { observation, memory, settings, nowMs };
  const decisions: HealingDecision[] = [];
  memory.forgetOthers(new Set(observation.members.map(({ id }) => id)));
  if (observation.leader !== memory.leader) {
    // Somebody else may have healed until now, and what it did is not known here.
    if (observation.leader !== null) memory.disturbedAtMs = Math.max(memory.disturbedAtMs, nowMs);
    memory.leader = observation.leader;
  }
  judgeStrength(scene, decisions);
  const wanted = wishes(scene);
  forgetSatisfied(
    memory,
    wanted.map(({ action }) => action),
  );
  let order: HealingOrder | undefined;
  for (const { action, because } of wanted) {
    if (order !== undefined || memory.underWay !== undefined) break;
    const against = objection(action, scene);
    const text = describeAction(action, observation);
    if (against === undefined) {
      order = { action, because, seen: seenIn(observation) };
      memory.withheld.delete(aimOf(action));
      memory.underWay = { order, atMs: nowMs };
      memory.begin(action, nowMs);
      if (disturbs(action, scene)) memory.disturbedAtMs = nowMs;
      decisions.push({ type: "started", atMs: nowMs, text, action, because });
      continue;
    }
    const { isNew, forMs } = memory.withhold(action, against.guard, nowMs);
    if (isNew) decisions.push({ type: "withheld", atMs: nowMs, text, action, because, ...against });
    if (against.guard === "limit" || forMs >= settings.personAfterMs) {
      call(scene, `${text}, as ${because}: ${against.reason}`, `${aimOf(action)} ${against.guard}`, decisions);
    }
  }
  const beyond = beyondHealing(scene);
  if (beyond !== undefined) call(scene, beyond, "beyond", decisions);
  return { order, decisions };
}

/** Notes since when the cluster is not as it should be, and when it is so again. */
function judgeStrength(scene: Scene, decisions: HealingDecision[]): void {
  const { memory, settings, nowMs } = scene;
  const weakness = weaknessOf(scene);
  if (weakness === undefined) {
    if (memory.weakSinceMs === undefined) return;
    const tookMs = nowMs - memory.weakSinceMs;
    memory.weakSinceMs = undefined;
    memory.called.clear();
    decisions.push({ type: "restored", atMs: nowMs, text: "the cluster is at full strength", tookMs });
    return;
  }
  if (memory.weakSinceMs === undefined) {
    memory.weakSinceMs = nowMs;
    decisions.push({ type: "weakened", atMs: nowMs, text: weakness, reason: weakness });
  }
  if (scene.observation.leader === null && nowMs - memory.weakSinceMs >= settings.personAfterMs) {
    call(scene, "nobody has led for long, and only a majority can change anything", "leaderless", decisions);
  }
}

/** Once for each reason, until somebody has looked or the cluster is at full strength. */
function call({ memory, nowMs }: Scene, reason: string, key: string, decisions: HealingDecision[]): void {
  if (memory.called.has(key)) return;
  memory.called.add(key);
  decisions.push({ type: "personWanted", atMs: nowMs, text: reason, reason });
}

function forgetSatisfied(memory: HealingMemory, wanted: readonly HealingAction[]): void {
  const aims = new Set(wanted.map(aimOf));
  for (const aim of memory.withheld.keys()) if (!aims.has(aim)) memory.withheld.delete(aim);
}

function end(healing: Healing, { atMs, outcome, reason }: Extract<HealingInput, { type: "ended" }>): HealingEffects {
  const { memory, observation } = healing;
  const { underWay } = memory;
  if (underWay === undefined) return { order: undefined, decisions: [] };
  memory.underWay = undefined;
  const { action } = underWay.order;
  if (observation !== undefined && disturbs(action, { observation })) memory.disturbedAtMs = atMs;
  const text = observation === undefined ? action.type : describeAction(action, observation);
  const tookMs = atMs - underWay.atMs;
  return { order: undefined, decisions: [{ type: "ended", atMs, text, action, outcome, reason, tookMs }] };
}

function seenIn(observation: Observation): HealingOrder["seen"] {
  return {
    voters: votersIn(observation).map(({ id }) => id),
    learners: learnersIn(observation).map(({ id }) => id),
  };
}
