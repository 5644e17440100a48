import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { returnFocusTo } from "../browser/focus-keeper.ts";
import { addressOf, goTo, route } from "../browser/route.ts";
import { chartSpanS, HistorySelect } from "../charts/history-select.tsx";
import { LineChart } from "../charts/line-chart.tsx";
import { faultRegions } from "../model/fault-regions.ts";
import type { PolicyGroup, PolicyInstance } from "../model/policy-groups.ts";
import { Badge } from "../parts/badge.tsx";
import { Card } from "../parts/card.tsx";
import { countText, durationText, rateText, shareText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";
import { sinceText, stateText } from "./policy-tile.tsx";

const callLines = [
  { column: 1, label: "calls", colour: "--accent" },
  { column: 2, label: "failed", colour: "--bad", dash: [6, 3] },
] as const;
const durationLines = [
  { column: 3, label: "p50", colour: "--good" },
  { column: 4, label: "p90", colour: "--warn", dash: [8, 3] },
  { column: 5, label: "p99", colour: "--bad", dash: [3, 3] },
] as const;
const perSecond = (value: number | null): string => `${rateText(value)}/s`;

/** One policy: over time, for each instance, and with what it was given. */
export function PolicyDetail({ group }: { readonly group: PolicyGroup }): JSX.Element {
  const page = usePage();
  const regions = useComputed(() => faultRegions(page.log.value, page.faults.value));
  const { key, name, kind, service, instances, tone } = group;
  const series = page.series.get(key);
  const version = series?.columns[0]?.at(-1) ?? 0;
  const configuration = instances[0]?.policy.configuration ?? {};
  return (
    <Card
      title={`${name}: ${kind} of ${service}`}
      tools={
        <>
          <Badge tone={tone}>{stateText(group)}</Badge>
          {group.isForced && (
            <Badge tone="warn" icon="warn">
              forced
            </Badge>
          )}
          <span class="muted">{sinceText(group, page.nowMs.value)}</span>
          <HistorySelect />
          <button
            type="button"
            onClick={() => {
              returnFocusTo(`.tile a[href="${CSS.escape(addressOf("services", key, route.value.query))}"]`);
              goTo("services", "", route.value.query);
            }}
          >
            Close
          </button>
        </>
      }
    >
      <div class="detail">
        <div>
          <LineChart
            title="Calls"
            series={series}
            lines={callLines}
            regions={regions.value}
            shown={perSecond}
            version={version}
            spanS={chartSpanS()}
          />
          <LineChart
            title="Duration, slowest instance"
            series={series}
            lines={durationLines}
            regions={regions.value}
            shown={durationText}
            version={version}
            spanS={chartSpanS()}
          />
        </div>
        <div>
          <h3>Configuration</h3>
          <NameValues values={configuration} empty="It tells none." />
          {instances.some(({ policy }) => !sameValues(policy.configuration, configuration)) && (
            <p class="note warn">Instances differ; this is {instances[0]?.instance}'s.</p>
          )}
          <h3>Since the start, all instances</h3>
          <NameValues values={summed(instances.map(({ policy }) => policy.counts))} empty="Nothing is counted." />
          <h3>At present, all instances</h3>
          <NameValues values={summed(instances.map(({ policy }) => policy.gauges))} empty="Nothing is measured." />
        </div>
      </div>
      <h3>Instances</h3>
      <div class="scroll" tabIndex={0} role="region" aria-label="Instances">
        <table>
          <thead>
            <tr>
              <th scope="col">Instance</th>
              <th scope="col">State</th>
              <th scope="col" class="number">
                Calls
              </th>
              <th scope="col" class="number">
                Failed
              </th>
              <th scope="col" class="number">
                p50
              </th>
              <th scope="col" class="number">
                p90
              </th>
              <th scope="col" class="number">
                p99
              </th>
            </tr>
          </thead>
          <tbody>
            {instances.map((each) => (
              <InstanceRow key={each.instance} instance={each} />
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function InstanceRow({ instance: { instance, policy } }: { readonly instance: PolicyInstance }): JSX.Element {
  const { durationMs } = policy;
  return (
    <tr>
      <th scope="row" class="name-cell">
        <bdi>{instance}</bdi>
      </th>
      <td>
        {policy.state ?? "–"}
        {policy.isForced && " (forced)"}
      </td>
      <td class="number">{perSecond(policy.callsPerSecond)}</td>
      <td class="number">{shareText(policy.failureRatio)}</td>
      <td class="number">{durationText(durationMs?.p50 ?? null)}</td>
      <td class="number">{durationText(durationMs?.p90 ?? null)}</td>
      <td class="number">{durationText(durationMs?.p99 ?? null)}</td>
    </tr>
  );
}

function NameValues({
  values,
  empty,
}: {
  readonly values: Readonly<Record<string, unknown>>;
  readonly empty: string;
}): JSX.Element {
  const rows = Object.entries(values);
  if (rows.length === 0) return <p class="muted">{empty}</p>;
  return (
    <dl class="values">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{typeof value === "number" ? countText(value) : String(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function summed(list: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const values of list) {
    for (const [name, value] of Object.entries(values)) sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return Object.fromEntries(sums);
}

function sameValues(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
