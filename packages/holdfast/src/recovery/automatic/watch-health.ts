import type { HealthView } from "../../telemetry/index.ts";
import type { AutomaticRecovery } from "./automatic-recovery.ts";

export interface WatchHealthOptions {
  /** What stands for a component. Default: its name. */
  readonly target?: (component: string) => string;
  /** Whether a component that is degraded has failed, too. Default false. */
  readonly degraded?: boolean;
  readonly onError?: (error: unknown) => void;
}

/**
 * Takes health as it is found: a component that is unhealthy is a failure (`unhealthy`), `critical` where the component
 * is, else `high`, until it is found healthy. Unknown changes nothing.
 *
 * @example
 * const onHealth = watchHealth(recovery);
 * health.subscribe(() => onHealth(health.view()));
 */
export function watchHealth(
  recovery: Pick<AutomaticRecovery, "report" | "recovered">,
  { target: targetOf = (component) => component, degraded = false, onError }: WatchHealthOptions = {},
): (health: Pick<HealthView, "components">) => void {
  const failing = new Set<string>();
  const tell = (told: Promise<void>): void => void told.catch((error: unknown) => onError?.(error));
  return ({ components }) => {
    for (const { name, state, isCritical, details } of components) {
      const target = targetOf(name);
      const isFailing = state === "unhealthy" || (degraded && state === "degraded");
      if (isFailing) {
        failing.add(name);
        const evidence = { state, details };
        tell(recovery.report({ type: "unhealthy", target, priority: isCritical ? "critical" : "high", evidence }));
      } else if (state !== "unknown" && failing.delete(name)) {
        tell(recovery.recovered(target, { type: "unhealthy", because: `its health is ${state}` }));
      }
    }
    // One that is not looked after any more cannot be told to be well.
    const names = new Set(components.map(({ name }) => name));
    for (const name of failing) {
      if (names.has(name)) continue;
      failing.delete(name);
      tell(recovery.recovered(targetOf(name), { type: "unhealthy", because: "it is no component any more" }));
    }
  };
}
