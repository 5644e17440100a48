import type { JSX } from "preact";
import type { DrillView } from "holdfast/telemetry";
import { Badge, type Tone } from "../parts/badge.tsx";
import { Card, Empty } from "../parts/card.tsx";
import { agoText, dayText, durationText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";
import { PlanCard } from "./plan-card.tsx";

/** What is being done to the cluster by plan: recovery plans, with those that wait for a person first, and drills. */
export function WorkPage(): JSX.Element {
  const page = usePage();
  const rank = (status: string, approvals: readonly string[]): number =>
    approvals.length > 0 ? 0 : status === "running" || status === "rollingBack" || status === "pending" ? 1 : 2;
  const plans = page.plans.value.toSorted(
    (a, b) => rank(a.status, a.approvals) - rank(b.status, b.approvals) || b.startedAt - a.startedAt,
  );
  return (
    <div class="stack">
      <Card title="Recovery plans">
        {plans.length === 0 ? (
          <Empty>
            No plan runs, and none has run lately. <code>holdfast plan run FILE</code> runs one.
          </Empty>
        ) : (
          plans.map((plan) => <PlanCard key={plan.execution} plan={plan} />)
        )}
      </Card>
      <Card title="Drills">
        {page.drills.value.length === 0 ? (
          <Empty>
            No drill runs here, and none has run lately. <code>holdfast drill leader-kill --dashboard 2370</code> shows
            one.
          </Empty>
        ) : (
          page.drills.value.map((drill) => <Drill key={`${drill.drill} ${drill.startedAt}`} drill={drill} />)
        )}
      </Card>
    </div>
  );
}

const tones: { readonly [Verdict in DrillView["verdict"]]: Tone } = {
  running: "plain",
  passed: "good",
  failed: "bad",
  timeout: "bad",
  inconclusive: "warn",
};

function Drill({
  drill: { drill, verdict, phase, startedAt, endedAt, measures },
}: {
  readonly drill: DrillView;
}): JSX.Element {
  const page = usePage();
  const isRunning = verdict === "running";
  const lasted = (endedAt ?? page.nowMs.value) - startedAt;
  return (
    <article class="work" aria-label={`Drill ${drill}`}>
      <header>
        <h3>{drill}</h3>
        <Badge tone={tones[verdict] ?? "plain"} icon={isRunning ? "play" : (tones[verdict] ?? "plain")}>
          {isRunning ? `running: ${phase}` : verdict}
        </Badge>
        <span class="muted">
          {dayText(startedAt)}, {isRunning ? `for ${agoText(lasted)}` : `took ${durationText(lasted)}`}
        </span>
      </header>
      <dl class="values">
        {Object.entries(measures).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value === null ? "not measured" : String(value)}</dd>
          </div>
        ))}
      </dl>
    </article>
  );
}
