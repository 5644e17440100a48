import { signal, type Signal } from "@preact/signals";
import { after } from "./page-time.ts";

export type ViewName = "cluster" | "services" | "events" | "keys" | "work" | "faults";

/** A place in the page: `#/services/orders/circuitBreaker/payments?q=pay`. */
export interface Route {
  readonly view: ViewName;
  /** What follows, still encoded. */
  readonly rest: string;
  /** Filters, and what is open: so that a link, a reload and the way back show the same. */
  readonly query: RouteQuery;
}

export type RouteQuery = Readonly<Record<string, string>>;

export const viewNames: readonly ViewName[] = ["cluster", "services", "events", "keys", "work", "faults"];

/** What is open belongs to the moment; filters are there again when somebody comes back to a view. */
const momentary: ReadonlySet<string> = new Set(["event", "key"]);
const filtersOf = new Map<ViewName, RouteQuery>();

export const route: Signal<Route> = signal(fromAddress());

/** A browser takes some two hundred changes of its address in half a minute: what is typed comes into it together. */
const writeAfterMs = 300;
let stopWriting: (() => void) | undefined;

export function followAddress(): void {
  const follow = (): void => {
    stopWriting?.();
    stopWriting = undefined;
    arrive(fromAddress());
  };
  follow();
  window.addEventListener("hashchange", follow);
  window.addEventListener("popstate", follow);
}

/** Goes to a view, with the filters that it had. */
export function goTo(view: ViewName, rest: string = "", query: RouteQuery = filters(view)): void {
  flush();
  const address = addressOf(view, rest, query);
  if (address !== location.hash) history.pushState(null, "", address);
  arrive({ view, rest, query });
}

/** Changes filters, or what is open, in the present view; an empty value takes one away. `push`: the way back undoes it. */
export function setQuery(changes: RouteQuery, how: "push" | "replace" = "replace"): void {
  const { view, rest } = route.peek();
  const all = { ...route.peek().query, ...changes };
  const query = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
  if (how === "push") {
    goTo(view, rest, query);
    return;
  }
  arrive({ view, rest, query });
  stopWriting?.();
  stopWriting = after(writeAfterMs, flush);
}

/** What filters a view had when it was left. */
export function filters(view: ViewName): RouteQuery {
  return filtersOf.get(view) ?? {};
}

export function addressOf(view: ViewName, rest: string = "", query: RouteQuery = {}): string {
  const asked = new URLSearchParams(query).toString();
  return `#/${view}${rest === "" ? "" : `/${rest}`}${asked === "" ? "" : `?${asked}`}`;
}

function flush(): void {
  if (stopWriting === undefined) return;
  stopWriting();
  stopWriting = undefined;
  const { view, rest, query } = route.peek();
  history.replaceState(null, "", addressOf(view, rest, query));
}

function arrive(to: Route): void {
  filtersOf.set(to.view, Object.fromEntries(Object.entries(to.query).filter(([name]) => !momentary.has(name))));
  route.value = to;
}

function fromAddress(): Route {
  const [, name = "", rest = "", asked = ""] = /^#\/([^/?]*)\/?([^?]*)\??(.*)$/.exec(location.hash) ?? [];
  const view = viewNames.find((each) => each === name);
  const query = Object.fromEntries(new URLSearchParams(asked));
  return view === undefined ? { view: "cluster", rest: "", query: {} } : { view, rest, query };
}
