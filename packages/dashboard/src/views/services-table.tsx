import type { JSX } from "preact";
import type { HealthState, ServiceReport } from "holdfast/telemetry";
import { Badge, type Tone } from "../parts/badge.tsx";
import { Card } from "../parts/card.tsx";
import { agoText, countText, rateText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";

const tones: { readonly [State in HealthState | "unknown"]: Tone } = {
  healthy: "good",
  degraded: "warn",
  unhealthy: "bad",
  unknown: "idle",
};

/** Every instance with its health, and the errors it counts. */
export function ServicesTable({ services }: { readonly services: readonly ServiceReport[] }): JSX.Element {
  const sorted = services.toSorted(
    (a, b) => a.service.localeCompare(b.service) || a.instance.localeCompare(b.instance),
  );
  const omitted = services.reduce((sum, each) => sum + each.omitted, 0);
  return (
    <>
      <Card title="Instances and their health">
        {omitted > 0 && (
          <p class="note warn">
            {countText(omitted)} policies or errors are beyond the bound of a report, and not shown.
          </p>
        )}
        <div class="scroll" tabIndex={0} role="region" aria-label="Table of instances">
          <table>
            <thead>
              <tr>
                <th scope="col">Service</th>
                <th scope="col">Instance</th>
                <th scope="col">Health</th>
                <th scope="col">Components</th>
                <th scope="col" class="number">
                  Policies
                </th>
                <th scope="col" class="number">
                  Errors
                </th>
                <th scope="col" class="after-number">
                  Up for
                </th>
                <th scope="col">Heard</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map((report) => (
                <InstanceRow key={`${report.service} ${report.instance}`} report={report} />
              ))}
            </tbody>
          </table>
        </div>
      </Card>
      <ErrorGroups services={services} />
    </>
  );
}

function InstanceRow({ report }: { readonly report: ServiceReport }): JSX.Element {
  const page = usePage();
  const { service, instance, health, policies, errors, at, startedAt } = report;
  const troubled = health?.components.filter(({ state }) => state !== "healthy") ?? [];
  return (
    <tr>
      <th scope="row" class="name-cell">
        <bdi>{service}</bdi>
      </th>
      <td class="name-cell">
        <bdi>{instance}</bdi>
      </td>
      <td>
        {health === null ? (
          "–"
        ) : (
          <Badge tone={tones[health.state] ?? "idle"}>
            {health.isDraining ? `${health.state}, draining` : health.state}
          </Badge>
        )}
      </td>
      <td>
        {health === null
          ? "–"
          : troubled.length === 0
            ? `${health.components.length} healthy`
            : troubled.map(({ name, state, details, since, isCritical }) => (
                <div key={name}>
                  {name} {state}
                  {since !== undefined && ` for ${agoText(page.nowMs.value - since)}`}
                  {!isCritical && <span class="muted"> (optional)</span>}
                  {details !== null && <span class="muted">: {details}</span>}
                </div>
              ))}
      </td>
      <td class="number">{policies.length}</td>
      <td class="number">{countText(errors.reduce((sum, { count }) => sum + count, 0))}</td>
      <td class="after-number">{agoText(page.nowMs.value - startedAt)}</td>
      <td>{agoText(page.nowMs.value - at)} ago</td>
    </tr>
  );
}

const maxGroups = 50;

function ErrorGroups({ services }: { readonly services: readonly ServiceReport[] }): JSX.Element | null {
  const rows = services
    .flatMap(({ service, instance, errors }) => errors.map((error) => ({ service, instance, error })))
    .sort((a, b) => b.error.ratePerSecond - a.error.ratePerSecond || b.error.lastAt - a.error.lastAt)
    .slice(0, maxGroups);
  const page = usePage();
  if (rows.length === 0) return null;
  return (
    <Card title="Errors, the fastest first">
      <div class="scroll" tabIndex={0} role="region" aria-label="Errors">
        <table>
          <thead>
            <tr>
              <th scope="col">Code</th>
              <th scope="col">Message</th>
              <th scope="col">Kind</th>
              <th scope="col">Instance</th>
              <th scope="col" class="number">
                Rate
              </th>
              <th scope="col" class="number">
                Count
              </th>
              <th scope="col" class="after-number">
                Last
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ service, instance, error }) => (
              <tr key={`${service} ${instance} ${error.fingerprint}`}>
                <th scope="row">{error.code}</th>
                <td class="wide-cell" dir="auto">
                  {error.message}
                </td>
                <td>{error.kind}</td>
                <td class="name-cell">
                  <bdi>{service}</bdi> <bdi>{instance}</bdi>
                </td>
                <td class="number">{rateText(error.ratePerSecond)}/s</td>
                <td class="number">{countText(error.count)}</td>
                <td class="after-number">{agoText(page.nowMs.value - error.lastAt)} ago</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
