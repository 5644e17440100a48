import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { addressOf, route, setQuery } from "../browser/route.ts";
import type { PolicyGroup } from "../model/policy-groups.ts";
import { Empty } from "../parts/card.tsx";
import { GlidingList } from "../parts/gliding-list.tsx";
import { countText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";
import { PolicyDetail } from "./policy-detail.tsx";
import { PolicyTile } from "./policy-tile.tsx";
import { AbsentInstances, RefusedNote } from "./services-absent.tsx";
import { ServicesTable } from "./services-table.tsx";

/** As many tiles are there at once; more cost time and are read by nobody. */
const tilesAtOnce = 120;

const filters = [
  { value: "", label: "all" },
  { value: "trouble", label: "trouble only" },
  { value: "open", label: "open" },
  { value: "halfOpen", label: "half-open" },
  { value: "forced", label: "forced by hand" },
] as const;

/** The policies of all instrumented services: those in trouble first, then the busiest. */
export function ServicesPage(): JSX.Element {
  const page = usePage();
  const most = useSignal(tilesAtOnce);
  const shown = useComputed(() => {
    const { q = "", state = "", kind = "" } = route.value.query;
    return page.policies.value.filter((group) => fits(group, q, state, kind));
  });
  const { query } = route.value;
  const { q = "", state = "", kind = "" } = query;
  const groups = page.policies.value;
  const opened = route.value.rest === "" ? undefined : groups.find(({ key }) => key === route.value.rest);

  if (page.services.value.length === 0) {
    return (
      <div class="stack">
        <RefusedNote />
        <NoServices />
        <AbsentInstances />
      </div>
    );
  }
  const tiles = shown.value.slice(0, most.value);
  const kinds = Array.from(new Set(groups.map((group) => group.kind))).sort();
  return (
    <div class="stack">
      {route.value.rest !== "" &&
        (opened === undefined ? <Empty>This policy is not reported any more.</Empty> : <PolicyDetail group={opened} />)}
      <RefusedNote />
      <div class="tools" role="search" aria-label="Policies">
        <label>
          Search{" "}
          <input
            type="search"
            class="find"
            placeholder="name or service"
            value={q}
            onInput={(event) => setQuery({ q: event.currentTarget.value })}
          />
        </label>
        <label>
          State{" "}
          <select value={state} onChange={(event) => setQuery({ state: event.currentTarget.value })}>
            {filters.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label>
          Kind{" "}
          <select value={kind} onChange={(event) => setQuery({ kind: event.currentTarget.value })}>
            <option value="">all</option>
            {kinds.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <span class="muted">
          {countText(shown.value.length)} of {countText(groups.length)} policies, of{" "}
          {countText(page.services.value.length)} instances
        </span>
      </div>
      {shown.value.length === 0 && (
        <Empty>
          {groups.length === 0 ? (
            "The services report, and none of them has a policy: give instrumentService policies: policyReader(…)."
          ) : (
            <>
              No policy fits the filters.{" "}
              <button type="button" onClick={() => setQuery({ q: "", state: "", kind: "" })}>
                Show all
              </button>
            </>
          )}
        </Empty>
      )}
      <GlidingList name="tiles" order={tiles.map(({ key }) => key).join(" ")}>
        {tiles.map((group) => (
          <PolicyTile
            key={group.key}
            group={group}
            series={page.series.get(group.key)}
            href={addressOf("services", group.key, query)}
          />
        ))}
      </GlidingList>
      {shown.value.length > most.value && (
        <button type="button" onClick={() => (most.value += tilesAtOnce)}>
          Show {Math.min(tilesAtOnce, shown.value.length - most.value)} more
        </button>
      )}
      <ServicesTable services={page.services.value} />
      <AbsentInstances />
    </div>
  );
}

/** What somebody types to see something here. */
function NoServices(): JSX.Element {
  const { requests } = usePage();
  if (requests === null) return <Empty>No service was recorded in this run.</Empty>;
  return (
    <div class="empty">
      <p>No service reports here. One that is instrumented, and given this address, appears by itself:</p>
      <pre>{`import { instrumentService } from "holdfast/telemetry";
import { policyReader } from "holdfast/resilience";

instrumentService({ service: "shop", endpoints: ["${location.origin}"], policies: policyReader(breaker) });`}</pre>
    </div>
  );
}

function fits(group: PolicyGroup, text: string, state: string, kind: string): boolean {
  if (kind !== "" && group.kind !== kind) return false;
  if (state === "trouble" && group.tone !== "bad" && group.tone !== "warn") return false;
  if (state === "forced" && !group.isForced) return false;
  if (state === "open" && group.state !== "open" && group.state !== "forcedOpen") return false;
  if (state === "halfOpen" && group.state !== "halfOpen") return false;
  const name = `${group.name} ${group.service} ${group.kind}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => name.includes(word));
}
