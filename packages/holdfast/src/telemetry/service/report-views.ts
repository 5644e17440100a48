import type { ErrorGroupView, HealthView } from "../view/service-report.ts";

const maxComponents = 200;

/** A group of errors with what a report has room for. */
export function errorView({
  fingerprint,
  kind,
  code,
  message,
  count,
  ratePerSecond,
  firstAt,
  lastAt,
}: ErrorGroupView): ErrorGroupView {
  return { fingerprint, kind, code, message: message.slice(0, 1_000), count, ratePerSecond, firstAt, lastAt };
}

type Component = HealthView["components"][number];

/** Since when each component of a service is as it is: told from looks at it, one after the other. */
export class ComponentTimes {
  #known = new Map<string, { readonly state: Component["state"]; readonly since: number }>();

  /** Takes note of the components as they are. */
  look(components: readonly Component[], at: number): void {
    this.#known = new Map(
      components.map(({ name, state }) => {
        const before = this.#known.get(name);
        return [name, before?.state === state ? before : { state, since: at }];
      }),
    );
  }

  /** As it is reported. */
  view(health: HealthView | undefined): HealthView | null {
    if (health === undefined) return null;
    const { state, isLive, isReady, isDraining, components } = health;
    // Those in trouble first: what is left out should be what nobody would look for.
    const shown = components.toSorted(
      (left, right) => Number(left.state === "healthy") - Number(right.state === "healthy"),
    );
    return {
      state,
      isLive,
      isReady,
      isDraining,
      components: shown.slice(0, maxComponents).map((component) => {
        const known = this.#known.get(component.name);
        return {
          name: component.name.slice(0, 128),
          state: component.state,
          isCritical: component.isCritical,
          details: component.details?.slice(0, 1_000) ?? null,
          checkedAt: component.checkedAt,
          ...(known?.state === component.state ? { since: known.since } : {}),
        };
      }),
    };
  }
}

/** What JSON can say. */
export function finite(numbers: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(numbers).filter(([, value]) => Number.isFinite(value)));
}
