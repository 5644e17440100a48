import { memberIn, type Observation } from "./observed-cluster.ts";

/** What healing does. Members are meant by their ids. */
export type HealingAction =
  /** Ends its process, where it has one, and starts it again, with its data. */
  | { readonly type: "restart"; readonly member: string }
  /** A new member, on new ground, that gets everything and decides nothing yet. */
  | { readonly type: "addLearner"; readonly replaces: string | null; readonly zone: string | null }
  | { readonly type: "promote"; readonly member: string }
  /** For good. */
  | { readonly type: "remove"; readonly member: string }
  /** Leads requests elsewhere, before the one that answers them now is in the way. */
  | { readonly type: "transferLeadership"; readonly from: string; readonly to: string }
  | { readonly type: "moveLoad"; readonly from: string; readonly to: string }
  /** More members, or fewer, of those that bear the load. */
  | { readonly type: "scale"; readonly from: number; readonly to: number };

export type HealingActionType = HealingAction["type"];

/** The members that an action is meant for, and no others: by id. */
export interface SeenMembers {
  readonly voters: readonly string[];
  readonly learners: readonly string[];
}

/** One thing to do now. */
export interface HealingOrder {
  readonly action: HealingAction;
  readonly because: string;
  /** A change of the members is refused by the leader when these are not the members any more. */
  readonly seen: SeenMembers;
}

/** Changes who the members are. */
export function changesMembers({ type }: HealingAction): boolean {
  return type === "addLearner" || type === "promote" || type === "remove";
}

/** The same for two actions that have the same aim, whenever they were thought of. */
export function aimOf(action: HealingAction): string {
  return `${action.type} ${subjectOf(action) ?? ""}`;
}

/** Whom it is about. */
export function subjectOf(action: HealingAction): string | null {
  switch (action.type) {
    case "addLearner":
      return action.replaces;
    case "transferLeadership":
    case "moveLoad":
      return action.from;
    case "scale":
      return null;
    default:
      return action.member;
  }
}

/** In words for people. */
export function describeAction(action: HealingAction, observation: Observation): string {
  const name = (id: string): string => memberIn(observation, id)?.name ?? id;
  switch (action.type) {
    case "restart":
      return `restart ${name(action.member)}`;
    case "addLearner":
      return action.replaces === null ? "add a member" : `add a member in place of ${name(action.replaces)}`;
    case "promote":
      return `let ${name(action.member)} vote`;
    case "remove":
      return `remove ${name(action.member)}`;
    case "transferLeadership":
      return `let ${name(action.to)} lead instead of ${name(action.from)}`;
    case "moveLoad":
      return `move load from ${name(action.from)} to ${name(action.to)}`;
    default:
      return `scale from ${action.from} to ${action.to}`;
  }
}
