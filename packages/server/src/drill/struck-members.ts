import { InvalidArgumentError } from "holdfast/errors/base";
import type { RandomSource } from "holdfast/runtime";

/** What a fault can be aimed at besides members by name. */
const memberSelectors = ["leader", "follower", "followers", "one", "minority", "half", "majority", "all"] as const;
type MemberSelector = (typeof memberSelectors)[number];

/** @throws InvalidArgumentError when there are no such members */
export function checkMembers(path: string, targets: string | readonly string[], members: readonly string[]): void {
  const names = typeof targets === "string" ? [targets] : targets;
  const known: readonly string[] = typeof targets === "string" ? [...memberSelectors, ...members] : members;
  const stranger = names.find((name) => !known.includes(name));
  if (stranger === undefined && new Set(names).size === names.length) return;
  throw new InvalidArgumentError(`${path}.target`, `must be ${known.join(", ")}`, stranger ?? names);
}

/**
 * The members that a fault strikes at this moment. A minority, half or majority holds the leader: that is what is meant to hurt.
 */
export function chooseMembers(
  targets: string | readonly string[],
  leader: string,
  members: readonly string[],
  random: RandomSource,
): readonly string[] {
  if (typeof targets !== "string") return targets;
  if (members.includes(targets)) return [targets];
  const draw = (from: readonly string[]): string[] => {
    const chosen = from[Math.floor(random.next() * from.length)];
    return chosen === undefined ? [] : [chosen];
  };
  const followers = members.filter((name) => name !== leader);
  switch (targets as MemberSelector) {
    case "leader":
      return [leader];
    case "follower":
      return draw(followers);
    case "followers":
      return followers;
    case "one":
      return draw(members);
    case "minority":
      return [leader, ...followers].slice(0, Math.floor((members.length - 1) / 2));
    case "half":
      return [leader, ...followers].slice(0, Math.ceil(members.length / 2));
    case "majority":
      return [leader, ...followers].slice(0, Math.floor(members.length / 2) + 1);
    case "all":
      return members;
    default:
      throw new InvalidArgumentError("target", `must be ${memberSelectors.join(", ")}`, targets);
  }
}
