import type { JSX } from "preact";
import { eventRooms } from "holdfast/telemetry";
import { route, setQuery, type RouteQuery } from "../browser/route.ts";
import type { EventEntry, EventLog } from "../model/event-log.ts";
import type { EventFilter } from "../model/filter-events.ts";

const rooms: readonly string[] = Array.from(new Set(Object.values(eventRooms)));

/** What the address asks for: a filter outlives a reload, and can be sent to somebody. */
export function eventFilter({ what = "", node = "", q = "" }: RouteQuery): EventFilter {
  return { what, node, text: q };
}

export function EventFilters({ log }: { readonly log: EventLog }): JSX.Element {
  const { what, node, text } = eventFilter(route.value.query);
  const { types, nodes } = namesIn(log);
  return (
    <div class="tools" role="search" aria-label="Events">
      <label>
        Search{" "}
        <input
          type="search"
          class="find"
          value={text}
          placeholder="words of an event"
          onInput={(event) => setQuery({ q: event.currentTarget.value })}
        />
      </label>
      <label>
        What{" "}
        <select value={what} onChange={(event) => setQuery({ what: event.currentTarget.value })}>
          <option value="">everything</option>
          <option value="trouble">trouble only</option>
          <optgroup label="Of a room">
            {rooms.map((room) => (
              <option key={room} value={`room:${room}`}>
                {room}
              </option>
            ))}
          </optgroup>
          <optgroup label="Of a type">
            {withChosen(types, what.includes(":") || what === "trouble" ? "" : what).map((type) => (
              <option key={type} value={type}>
                {type}
              </option>
            ))}
          </optgroup>
        </select>
      </label>
      <label>
        Node{" "}
        <select value={node} onChange={(event) => setQuery({ node: event.currentTarget.value })}>
          <option value="">all</option>
          {withChosen(nodes, node).map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

/** A link may ask for what is not there yet. */
function withChosen(names: readonly string[], chosen: string): readonly string[] {
  return chosen === "" || names.includes(chosen) ? names : [...names, chosen];
}

const byName = new Intl.Collator("en", { numeric: true });
const maxListed = 500;
const known = new WeakMap<
  readonly EventEntry[],
  { readonly types: readonly string[]; readonly nodes: readonly string[] }
>();

/** The types and nodes of a log, found once for each. */
function namesIn({ entries }: EventLog): { readonly types: readonly string[]; readonly nodes: readonly string[] } {
  const found = known.get(entries);
  if (found !== undefined) return found;
  const [types, nodes] = [new Set<string>(), new Set<string>()];
  for (const { event } of entries) {
    types.add(event.type);
    nodes.add(event.nodeId);
  }
  const inOrder = (names: ReadonlySet<string>): string[] =>
    Array.from(names)
      .sort((a, b) => byName.compare(a, b))
      .slice(0, maxListed);
  const names = { types: inOrder(types), nodes: inOrder(nodes) };
  known.set(entries, names);
  return names;
}
