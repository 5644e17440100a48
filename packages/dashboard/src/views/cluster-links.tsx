import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { ClusterView, LinkView } from "holdfast/telemetry";
import { durationText } from "../parts/number-text.ts";

const words: { readonly [State in LinkView["state"]]: string } = {
  up: "up",
  suspect: "suspect",
  down: "cut",
  unknown: "not known",
};
const sources = { raft: "consensus", gossip: "gossip" } as const;
/** Of a crowd only what is not well. */
const fewLinks = 42;
const maxLinks = 200;

/** What each member says of its way to each other, how old that is, and what it goes by. */
export function ClusterLinks({ cluster }: { readonly cluster: ClusterView }): JSX.Element | null {
  const isOpen = useSignal(false);
  const all = cluster.members.flatMap((member) => member.links.map((link) => ({ from: member.name, ...link })));
  if (all.length === 0) return null;
  const links = (all.length <= fewLinks ? all : all.filter(({ state }) => state !== "up")).slice(0, maxLinks);
  return (
    <details class="links-told" open={isOpen.value} onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>Links as each member tells ({all.length})</summary>
      {isOpen.value && <LinkTable links={links} omitted={all.length - links.length} />}
    </details>
  );
}

function LinkTable({
  links,
  omitted,
}: {
  readonly links: readonly (LinkView & { readonly from: string })[];
  readonly omitted: number;
}): JSX.Element {
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Links as each member tells">
        <table>
          <thead>
            <tr>
              <th scope="col">Member</th>
              <th scope="col">hears</th>
              <th scope="col">State</th>
              <th scope="col">Last heard</th>
              <th scope="col">by</th>
            </tr>
          </thead>
          <tbody>
            {links.map(({ from, to, state, lastHeardMs, source }) => (
              <tr key={`${from} ${to}`}>
                <td>
                  <bdi>{from}</bdi>
                </td>
                <td>
                  <bdi>{to}</bdi>
                </td>
                <td>{words[state] ?? state}</td>
                <td class="number">{durationText(Math.round(lastHeardMs))} ago</td>
                <td>{source === undefined ? "–" : sources[source]}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {omitted > 0 && <p class="muted">{omitted} more are not listed here.</p>}
    </>
  );
}
