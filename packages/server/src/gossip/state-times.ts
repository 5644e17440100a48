import type { MembershipEvent } from "holdfast/membership";
import type { Clock } from "holdfast/runtime";

/** Since when each member is what it is, by this process's clock. Given all events of a membership, it holds as many members. */
export class StateTimes {
  readonly #clock: Pick<Clock, "now">;
  readonly #changedAt = new Map<string, number>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** The member is from now on what it was not before. */
  enter(member: string): void {
    this.#changedAt.set(member, this.#clock.now());
  }

  take(event: MembershipEvent): void {
    switch (event.type) {
      case "join":
      case "return":
      case "suspect":
      case "cleared":
      case "failed":
      case "left":
        this.enter(event.member.name);
        break;
      case "forgotten":
        this.#changedAt.delete(event.member.name);
        break;
      default:
    }
  }

  /** Undefined for a member that is not known. */
  sinceMs(member: string): number | undefined {
    const changedAt = this.#changedAt.get(member);
    return changedAt === undefined ? undefined : this.#clock.now() - changedAt;
  }
}
