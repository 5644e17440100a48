import type { JSX } from "preact";
import { useComputed } from "@preact/signals";
import { addressOf } from "../browser/route.ts";
import { chartSpanS, HistorySelect } from "../charts/history-select.tsx";
import { LineChart } from "../charts/line-chart.tsx";
import { clusterVerdict } from "../model/cluster-verdict.ts";
import { faultRegions } from "../model/fault-regions.ts";
import { hasMembers } from "../model/fullest-view.ts";
import { clusterSeries } from "../model/series.ts";
import { Badge } from "../parts/badge.tsx";
import { Card, Empty } from "../parts/card.tsx";
import { Icon } from "../parts/icon.tsx";
import { bytesText, countText, rateText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";
import { ActiveFaults } from "./active-faults.tsx";
import { ClusterLinks } from "./cluster-links.tsx";
import { NextSteps } from "./cluster-next-steps.tsx";
import { ClusterPicture } from "./cluster-picture.tsx";
import { LatestEvents } from "./latest-events.tsx";
import { MembersTable } from "./members-table.tsx";

const perSecond = (value: number | null): string => `${rateText(value)}/s`;
/** What is drawn over time: each a column of the cluster's series. */
const charts = [
  { title: "Committed", lines: [{ column: 1, label: "commits", colour: "--accent" }], shown: perSecond },
  {
    title: "Not applied yet",
    lines: [{ column: 2, label: "greatest lag", colour: "--warn", dash: [6, 3] }],
    shown: countText,
  },
  {
    title: "Memory",
    lines: [{ column: 3, label: "largest member", colour: "--good", dash: [3, 3] }],
    shown: bytesText,
  },
] as const;

/** Who leads, who is there, what is broken, and what is being done to it. */
export function ClusterPage(): JSX.Element {
  const page = usePage();
  const regions = useComputed(() => faultRegions(page.log.value, page.faults.value));
  const cluster = page.cluster.value;
  if (!hasMembers(cluster)) return <NoCluster />;
  const series = page.series.get(clusterSeries);
  return (
    <div class="grid cluster-grid">
      <ClusterSummary />
      <div class="stack">
        <Card title="Picture">
          <ClusterPicture cluster={cluster} />
          <ClusterLinks cluster={cluster} />
        </Card>
        <Card title="Over time" tools={<HistorySelect />}>
          {charts.map((chart) => (
            <LineChart
              key={chart.title}
              {...chart}
              series={series}
              regions={regions.value}
              version={cluster.at}
              spanS={chartSpanS()}
            />
          ))}
        </Card>
      </div>
      <div class="stack">
        <Card title={`Members (${cluster.members.length})`}>
          <MembersTable cluster={cluster} />
        </Card>
        <Card title="Lately">
          {page.faults.value.length > 0 && <ActiveFaults />}
          <LatestEvents />
        </Card>
      </div>
    </div>
  );
}

/** Why there is no picture, and where there is something to see. */
function NoCluster(): JSX.Element {
  const page = usePage();
  if (page.cluster.value === null && page.requests !== null) return <Empty>Nothing is known of the cluster yet.</Empty>;
  return (
    <div class="empty">
      <p>{page.requests === null ? "This run has no cluster." : "There is no cluster here."}</p>
      <p>
        What was done is in <a href={addressOf("work")}>Work</a>, what happened in{" "}
        <a href={addressOf("events")}>Events</a>, and the policies of services in{" "}
        <a href={addressOf("services")}>Services</a>.
      </p>
    </div>
  );
}

/** One line that answers whether all is well, and a banner where it is not. */
function ClusterSummary(): JSX.Element | null {
  const page = usePage();
  const cluster = page.cluster.value;
  if (cluster === null) return null;
  const verdict = clusterVerdict(cluster);
  const { quorum, leader, term, commitsPerSecond } = cluster;
  return (
    <section class={`summary ${verdict.tone}`} aria-label="Summary">
      <div class="summary-facts">
        <p class="verdict">
          <Badge tone={verdict.tone}>{verdict.word}</Badge>
        </p>
        <Fact name="Leader">
          {leader === null ? (
            "nobody"
          ) : (
            <>
              <Icon name="leader" /> {leader}
            </>
          )}
        </Fact>
        <Fact name="Term">{countText(term)}</Fact>
        <Fact name="Voters that answer">
          {quorum.answering} of {quorum.voters} <span class="muted">({quorum.needed} needed)</span>
        </Fact>
        <Fact name="Commits">{perSecond(commitsPerSecond)}</Fact>
        <Fact name="Active faults">{page.faults.value.length}</Fact>
        <Fact name="Served by">{cluster.servedBy}</Fact>
      </div>
      {/* Always there, so that nothing below moves when the first problem comes. */}
      <ul class="problems" aria-label="Problems">
        {verdict.problems.length === 0 && <li class="muted">every member answers, and hears the others</li>}
        {verdict.problems.map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
      <NextSteps cluster={cluster} />
    </section>
  );
}

function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: JSX.Element | JSX.Element[] | string | number | (JSX.Element | string | number)[];
}): JSX.Element {
  return (
    <dl class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </dl>
  );
}
