import { majority, type Configuration, type Entry, type NodeId, type Raft } from "holdfast/consensus";
import { InvariantViolation } from "./invariant-violation.ts";

/** What must be true of configurations (Ongaro's dissertation, chapter 4), whoever is asked. */
export class ConfigurationInvariants {
  readonly #holds: (voter: NodeId, index: number) => boolean;
  /** The first index of each term that was committed. */
  readonly #firstCommitted = new Map<number, number>();

  /** @param holds whether a voter has a committed entry on its disk */
  constructor(holds: (voter: NodeId, index: number) => boolean) {
    this.#holds = holds;
  }

  onCommitted({ term, index }: Entry): void {
    this.#firstCommitted.set(term, Math.min(index, this.#firstCommitted.get(term) ?? index));
  }

  /** @param committed the highest index that anybody has committed */
  checkLog(name: string, { configurations, log }: Raft, committed: number): void {
    const open: number[] = [];
    for (const { index } of configurations) {
      if (index <= log.baseIndex) continue;
      const entry = log.at(index);
      if (entry?.kind !== "configuration") {
        throw new InvariantViolation(
          "a configuration counts while it is in the log",
          `${name} keeps to one of ${index}, which its log does not hold`,
        );
      }
      if (index <= committed) continue;
      open.push(index);
      if ((this.#firstCommitted.get(entry.term) ?? Infinity) > index) {
        throw new InvariantViolation(
          "members change in a term that has committed",
          `${name} holds a change at ${index} of term ${entry.term}, of which nothing before is committed`,
        );
      }
    }
    if (open.length <= 1) return;
    throw new InvariantViolation(
      "one change at a time",
      `${name} holds configurations at ${open.join(" and ")}, none of them committed`,
    );
  }

  /**
   * A leader has committed: in the configuration in force, or one after it that came in the same step, the voters who
   * hold it must be a majority; of both the old and the new ones while they change.
   */
  checkDecision(name: string, { configurations, commit }: Raft, knownIndex: number): void {
    const first = configurations.findLastIndex(({ index }) => index <= knownIndex);
    const inForce = configurations.slice(Math.max(first, 0));
    if (inForce.some(({ configuration }) => this.#isDecided(configuration, commit))) return;
    const { voters, votersOutgoing } = inForce.at(-1)!.configuration;
    const holding = [voters, votersOutgoing].map((half) => half.filter((id) => this.#holds(id, commit)).length);
    throw new InvariantViolation(
      "a majority holds what is committed",
      `${name} committed ${commit} with ${holding[0]} of ${voters.length} voters and ${holding[1]} of ${votersOutgoing.length} outgoing ones`,
    );
  }

  #isDecided({ voters, votersOutgoing }: Configuration, index: number): boolean {
    return [voters, votersOutgoing].every((half) => {
      const holding = half.filter((id) => this.#holds(id, index)).length;
      return half.length === 0 || holding >= majority(half.length);
    });
  }
}
