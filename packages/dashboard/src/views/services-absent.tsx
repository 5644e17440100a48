import type { JSX } from "preact";
import type { AbsentInstance } from "holdfast/telemetry";
import { Badge } from "../parts/badge.tsx";
import { Card } from "../parts/card.tsx";
import { agoText, countText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";

/** After the last one that was refused. */
const toldForMs = 600_000;

/** Why somebody may be missing here. */
export function RefusedNote(): JSX.Element | null {
  const page = usePage();
  const { refused } = page.reporting.value;
  if (refused === null || page.nowMs.value - refused.at > toldForMs) return null;
  return (
    <p class="note warn">
      {countText(refused.count)} {refused.count === 1 ? "report was" : "reports were"} refused, the last one{" "}
      {agoText(page.nowMs.value - refused.at)} ago: <bdi>{refused.detail}</bdi>
    </p>
  );
}

/** Who has reported until a minute ago: it took leave, or was heard no more. */
export function AbsentInstances(): JSX.Element | null {
  const { absent } = usePage().reporting.value;
  if (absent.length === 0) return null;
  return (
    <Card title="No longer there">
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of instances that are no longer there">
        <table>
          <thead>
            <tr>
              <th scope="col">Service</th>
              <th scope="col">Instance</th>
              <th scope="col">How</th>
              <th scope="col">Heard last</th>
            </tr>
          </thead>
          <tbody>
            {absent.map((each) => (
              <AbsentRow key={`${each.service} ${each.instance}`} absent={each} />
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function AbsentRow({ absent: { service, instance, reason, at } }: { readonly absent: AbsentInstance }): JSX.Element {
  const page = usePage();
  return (
    <tr>
      <th scope="row" class="name-cell">
        <bdi>{service}</bdi>
      </th>
      <td class="name-cell">
        <bdi>{instance}</bdi>
      </td>
      <td>{reason === "left" ? <Badge tone="idle">has left</Badge> : <Badge tone="bad">silent</Badge>}</td>
      <td>{agoText(page.nowMs.value - at)} ago</td>
    </tr>
  );
}
