import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { ClusterView, MemberView } from "holdfast/telemetry";
import { Icon } from "../parts/icon.tsx";
import { agoText, bytesText, countText } from "../parts/number-text.ts";
import { Liveness } from "./member-state.tsx";

/** Of more members, those without trouble are left out until somebody wants to see them. */
const rowsAtOnce = 40;

/** The same as the picture, and more, for those who read or hear it. Trouble comes first. */
export function MembersTable({ cluster }: { readonly cluster: ClusterView }): JSX.Element {
  const isWhole = useSignal(false);
  const sorted = cluster.members.toSorted((a, b) => rank(a, cluster) - rank(b, cluster));
  const members = isWhole.value ? sorted : sorted.slice(0, rowsAtOnce);
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Members">
        <table>
          <thead>
            <tr>
              <th scope="col">Member</th>
              <th scope="col" class="of-state">
                State
              </th>
              <th scope="col" class="of-age">
                Since
              </th>
              <th scope="col">Links</th>
              <th scope="col" class="of-role">
                Role
              </th>
              <th scope="col" class="number">
                Term
              </th>
              <th scope="col" class="number">
                Commit
              </th>
              <th scope="col" class="number">
                Applied
              </th>
              <th scope="col" class="number">
                Lag
              </th>
              <th scope="col" class="number">
                Store
              </th>
              <th scope="col" class="number">
                Memory
              </th>
            </tr>
          </thead>
          <tbody>
            {members.map((member) => (
              <MemberRow key={member.id} member={member} isLeader={member.name === cluster.leader} />
            ))}
          </tbody>
        </table>
      </div>
      {members.length < sorted.length && (
        <button type="button" onClick={() => (isWhole.value = true)}>
          Show all {sorted.length}
        </button>
      )}
    </>
  );
}

function MemberRow({ member, isLeader }: { readonly member: MemberView; readonly isLeader: boolean }): JSX.Element {
  const { name, sinceMs, role, term, commitIndex, appliedIndex, lagEntries, storeBytes, residentBytes } = member;
  return (
    <tr class={isLeader ? "leads" : ""}>
      <th scope="row" title={member.clientUrl ?? ""}>
        <bdi>{name}</bdi>
        {isLeader && <Icon name="leader" label="leader" />}
      </th>
      <td>
        <Liveness member={member} />
      </td>
      <td>{agoText(sinceMs)}</td>
      <td class="links">{linksText(member)}</td>
      <td>{member.isLearner ? "learner" : member.isWitness ? "witness" : (role ?? "–")}</td>
      <td class="number">{countText(term)}</td>
      <td class="number">{countText(commitIndex)}</td>
      <td class="number">{countText(appliedIndex)}</td>
      <td class="number">{countText(lagEntries)}</td>
      <td class="number">{bytesText(storeBytes)}</td>
      <td class="number">{bytesText(residentBytes)}</td>
    </tr>
  );
}

const maxNamed = 3;

function linksText({ links, liveness }: MemberView): string {
  if (liveness !== "answers" || links.length === 0) return "–";
  const of = (state: string): string[] => links.filter((link) => link.state === state).map(({ to }) => to);
  const [down, suspect, unknown] = [of("down"), of("suspect"), of("unknown")];
  const named = (names: readonly string[]): string =>
    names.slice(0, maxNamed).join(", ") + (names.length > maxNamed ? ` +${names.length - maxNamed}` : "");
  return [
    `${of("up").length} up`,
    ...(suspect.length > 0 ? [`${suspect.length} suspect (${named(suspect)})`] : []),
    ...(down.length > 0 ? [`${down.length} down (${named(down)})`] : []),
    ...(unknown.length > 0 ? [`${unknown.length} not known (${named(unknown)})`] : []),
  ].join(", ");
}

function rank(member: MemberView, cluster: ClusterView): number {
  if (member.liveness === "stopped") return 0;
  if (member.liveness === "silent") return 1;
  if (member.name === cluster.leader) return 2;
  return member.liveness === "left" ? 4 : 3;
}
