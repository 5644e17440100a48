import type { JSX } from "preact";
import { Sparkline } from "../charts/sparkline.tsx";
import type { PolicyGroup } from "../model/policy-groups.ts";
import type { Series } from "../model/series.ts";
import { Badge } from "../parts/badge.tsx";
import { agoText, countText, durationText, rateText, shareText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";

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
  const page = usePage();
  const { name, service, kind, callsPerSecond, failureRatio, durationMs, tone } = group;
  return (
    <li class={`tile ${tone}`}>
      <a href={href}>
        <bdi class="tile-name">{name}</bdi>
      </a>
      <span class="tile-of muted">
        {kind} of <bdi>{service}</bdi>
      </span>
      <span class="tile-state">
        <Badge tone={tone}>{stateText(group)}</Badge>
        {group.isForced && (
          <Badge tone="warn" icon="warn">
            forced
          </Badge>
        )}
        <span class="muted tile-since">{sinceText(group, page.nowMs.value)}</span>
      </span>
      <span class="tile-lines">
        <Sparkline series={series} columns={[1, 2]} shape="areas" />
        <Sparkline series={series} columns={[3, 5]} shape="lines" />
      </span>
      <dl class="tile-numbers">
        <div>
          <dt>calls</dt>
          <dd>{rateText(callsPerSecond)}/s</dd>
        </div>
        <div>
          <dt>failed{failureRatio !== null && ` of ${countText(Math.round(callsPerSecond * rateWindowS))}`}</dt>
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

/** Rates and shares are of the last ten seconds. */
const rateWindowS = 10;

/** `for 12 s; half-open in 4 s`. */
export function sinceText({ state, since, halfOpenAtMs }: PolicyGroup, nowMs: number): string {
  if (since === null || state === null) return "";
  const lasted = `for ${since.isLonger ? "over " : ""}${agoText(nowMs - since.atMs)}`;
  if (state !== "open" || halfOpenAtMs === null) return lasted;
  const left = Math.ceil((halfOpenAtMs - nowMs) / 1000);
  return `${lasted}; half-open ${left > 0 ? `in ${left} s` : "at the next call"}`;
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
  return ["closed", "normal", "free", "whole", "disabled", "metricsOnly"].includes(state);
}
