import type { JSX } from "preact";
import type { ClusterView } from "holdfast/telemetry";
import { clusterVerdict, isMember } from "../model/cluster-verdict.ts";

/** What to do when nothing can be decided: the short form of docs/quorum-loss.md, at hand where the docs may not be. */
export function NextSteps({ cluster }: { readonly cluster: ClusterView }): JSX.Element | null {
  if (clusterVerdict(cluster).word !== "No quorum") return null;
  const { members, quorum } = cluster;
  const away = members.filter(({ liveness, isLearner }) => liveness !== "answers" && !isLearner);
  const missing = Math.max(0, quorum.needed - quorum.answering);
  return (
    <details class="next-steps" open>
      <summary>What to do next</summary>
      <ol>
        {isMember(cluster) && (
          <li>
            Look at the page of another member, too: this one shows what {cluster.servedBy} reaches, and a majority may
            be well elsewhere.
          </li>
        )}
        {missing > 0 ? (
          <li>
            Bring back {missing} of {away.map(({ name }) => name).join(", ")}, with their data directories: the rest
            follows by itself.
          </li>
        ) : (
          <li>Mend the network between the members: their peer ports must reach each other.</li>
        )}
        <li>
          Start no member with an empty data directory under its old name, and remove none: that can lose what was
          written.
        </li>
        <li>
          Only when that data is gone for good: <code>holdfast snapshot restore</code> makes a new cluster of a backup.
        </li>
      </ol>
      <p>
        Reads of what a member has still work (<code>holdfast get KEY --stale</code>). All of it: docs/quorum-loss.md.
      </p>
    </details>
  );
}
