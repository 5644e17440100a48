import type { JSX } from "preact";
import { route, setQuery } from "../browser/route.ts";

const spans = [
  { label: "10 min", value: "" },
  { label: "1 h", value: "60" },
  { label: "2 h", value: "120" },
] as const;

/** How much of the past charts show. */
export function chartSpanS(): number {
  const { history = "" } = route.value.query;
  return (spans.some(({ value }) => value === history && value !== "") ? Number(history) : 10) * 60;
}

/** Chooses it. What was before the page was opened, the members remember. */
export function HistorySelect(): JSX.Element {
  return (
    <label>
      History{" "}
      <select
        value={route.value.query["history"] ?? ""}
        title="As far as the members remember"
        onChange={(event) => setQuery({ history: event.currentTarget.value })}
      >
        {spans.map(({ label, value }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}
