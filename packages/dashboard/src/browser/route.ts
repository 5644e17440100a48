import { signal, type Signal } from "@preact/signals";

export type ViewName = "cluster" | "services" | "events" | "keys" | "work" | "faults";

/** A place in the page: `#/services/orders/circuitBreaker/payments`. */
export interface Route {
  readonly view: ViewName;
  /** What follows, still encoded. */
  readonly rest: string;
}

export const viewNames: readonly ViewName[] = ["cluster", "services", "events", "keys", "work", "faults"];

export const route: Signal<Route> = signal(fromAddress());

export function followAddress(): void {
  route.value = fromAddress();
  window.addEventListener("hashchange", () => (route.value = fromAddress()));
}

export function goTo(view: ViewName, rest: string = ""): void {
  location.hash = addressOf(view, rest);
}

export function addressOf(view: ViewName, rest: string = ""): string {
  return rest === "" ? `#/${view}` : `#/${view}/${rest}`;
}

function fromAddress(): Route {
  const [, name = "", rest = ""] = /^#\/([^/]*)\/?(.*)$/.exec(location.hash) ?? [];
  const view = viewNames.find((each) => each === name);
  return view === undefined ? { view: "cluster", rest: "" } : { view, rest };
}
