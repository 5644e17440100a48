import type { HealingAction } from "holdfast/recovery";
import { InvariantViolation } from "../invariant-violation.ts";
import type { ModelCluster } from "./model-cluster.ts";
import { isLive, type Machine } from "./model-machine.ts";

/** Members that were cut off together come back, mostly within this time: until then they are left alone. */
const cutMs = 100_000;

/** A member that has been there for so long has been heard. */
const settledMs = 10_000;

/** What healing must never do, judged by what is true and not by what any healer believes. */
export class HealingInvariants {
  readonly #desired: number;

  constructor(desired: number) {
    this.#desired = desired;
  }

  onOrder(cluster: ModelCluster, action: HealingAction): void {
    const { now, cut, machines, leader } = cluster;
    const subject = "member" in action ? action.member : action.type === "addLearner" ? action.replaces : null;
    const machine = machines.get(subject ?? "");
    if (subject === null || machine === undefined || leader === undefined) return;
    const isCut = cut !== undefined && cut.from <= now && now < cut.until && now - cut.from < cutMs;
    if (isCut && !cluster.hears(leader, subject)) {
      // Who was away before cannot be told from one that is gone.
      const wasWell = ({ runsFrom, pausedUntil }: Machine): boolean =>
        Math.max(runsFrom, pausedUntil) <= cut.from - settledMs;
      const apart = cluster.voters.filter((each) => {
        return !cluster.hears(leader, each.id) && isLive(each, now) && wasWell(each);
      });
      if (apart.length > 1 && apart.some(({ id }) => id === subject)) {
        const others = apart.map(({ id }) => id).join(" and ");
        throw new InvariantViolation(
          "who is cut off together is left alone",
          `${action.type} of ${subject} while ${others} have been cut off for ${now - cut.from} ms`,
        );
      }
    }
    const isWell = isLive(machine, now) && cluster.hears(leader, subject) && machine.slowUntil <= now;
    if (action.type === "restart" && isWell) {
      throw new InvariantViolation("who is well is not restarted", `${subject} answers and is not slow`);
    }
  }

  /** After each change of the members, as soon as it counts. */
  onChange(cluster: ModelCluster, before: readonly Machine[], couldDecide: boolean, leader: string): void {
    const after = cluster.voters;
    const names = (machines: readonly Machine[]): string => machines.map(({ id }) => id).join();
    if (couldDecide && !cluster.hasMajority(leader, after)) {
      throw new InvariantViolation(
        "healing never takes the quorum",
        `${names(before)} had a majority that answers, ${names(after)} has none`,
      );
    }
    if (after.length < before.length && after.length < this.#desired) {
      throw new InvariantViolation(
        "another is there before one goes",
        `${names(before)} became ${names(after)}, and ${this.#desired} are wanted`,
      );
    }
    if (after.length > this.#desired + 1 || cluster.learners.length > 1) {
      throw new InvariantViolation(
        "one is replaced after the other",
        `${names(after)} vote, ${names(cluster.learners)} learn, and ${this.#desired} are wanted`,
      );
    }
  }
}
