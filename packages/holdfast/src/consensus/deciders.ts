import { ascending, type Configuration } from "./configuration.ts";
import type { NodeId } from "./entry.ts";
import type { PlantedBug } from "./planted-bug.ts";
import type { JointVoters } from "./quorum/joint.ts";
import { majority } from "./quorum/majority.ts";

/** Who decides in a configuration, and how many of them it takes. */
export interface Deciders {
  readonly voters: JointVoters;
  readonly majorityOf: (voters: number) => number;
}

/** The deciders as node `id` sees them, which is as everyone does, unless a bug is planted. */
export function decidersOf(configuration: Configuration, id: NodeId, plant: PlantedBug | undefined): Deciders {
  const { voters: incoming, votersOutgoing: outgoing, learners } = configuration;
  switch (plant) {
    case "wrong-even-majority":
      return { voters: { incoming, outgoing }, majorityOf: (voters) => Math.ceil(voters / 2) };
    case "joint-majority-over-union":
      return { voters: { incoming: ascending([...incoming, ...outgoing]), outgoing: [] }, majorityOf: majority };
    case "learner-counted":
      return { voters: { incoming: ascending([...incoming, ...learners]), outgoing }, majorityOf: majority };
    case "removed-leader-counts-itself":
      if (incoming.length === 0 || outgoing.length > 0 || incoming.includes(id)) break;
      return {
        voters: { incoming: ascending([...incoming, id]), outgoing },
        majorityOf: (voters) => majority(voters - 1),
      };
    default:
  }
  return { voters: { incoming, outgoing }, majorityOf: majority };
}
