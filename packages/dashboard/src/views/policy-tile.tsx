import type { JSX } from "preact";
import { Sparkline } from "../charts/sparkline.tsx";
import type { PolicyGroup } from "../model/policy-groups.ts";
import type { Series } from "../model/series.ts";
import { Badge } from "../parts/badge.tsx";
import { durationText, rateText, shareText } from "../parts/number-text.ts";

/** A policy at a glance: its state in a word, how much it does, how much of it fails, how long it takes. */
export function PolicyTile({
  group,
  series,
  href,
}: {
  readonly group: PolicyGroup;
  readonly series: Series | undefined;
  readonly href: string;
}): JSX.Element {
  const { name, service, kind, callsPerSecond, failureRatio, durationMs, tone } = group;
  return (
    <li class={`tile ${tone}`}>
      <a href={href}>
        <span class="tile-name">{name}</span>
      </a>
      <span class="tile-of muted">
        {kind} of {service}
      </span>
      <span class="tile-state">
        <Badge tone={tone}>{stateText(group)}</Badge>
        {group.isForced && (
          <Badge tone="warn" icon="warn">
            forced
          </Badge>
        )}
      </span>
      <Sparkline series={series} columns={[1, 2]} />
      <dl class="tile-numbers">
        <div>
          <dt>calls</dt>
          <dd>{rateText(callsPerSecond)}/s</dd>
        </div>
        <div>
          <dt>failed</dt>
          <dd>{shareText(failureRatio)}</dd>
        </div>
        <div>
          <dt>p50</dt>
          <dd>{durationText(durationMs?.p50 ?? null)}</dd>
        </div>
        <div>
          <dt>p99</dt>
          <dd>{durationText(durationMs?.p99 ?? null)}</dd>
        </div>
      </dl>
    </li>
  );
}

const words: Readonly<Record<string, string>> = {
  halfOpen: "half-open",
  forcedOpen: "open",
  rampUp: "ramping up",
  metricsOnly: "never opens",
};

/** `open on 2 of 5`: instances may differ. */
export function stateText({ state, inState, instances, tone }: PolicyGroup): string {
  if (state === null)
    return tone === "idle" ? "idle" : tone === "good" ? "well" : tone === "warn" ? "failing" : "mostly failing";
  const known = words[state] ?? state;
  const word = isCalm(state) && (tone === "warn" || tone === "bad") ? `${known}, failing` : known;
  return inState === instances.length ? word : `${word} on ${inState} of ${instances.length}`;
}

/** A state that says of itself that all is well. */
function isCalm(state: string): boolean {
  return state === "closed" || state === "normal" || state === "disabled" || state === "metricsOnly";
}
