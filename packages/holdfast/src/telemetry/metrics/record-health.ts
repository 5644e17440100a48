import type { Health } from "../health/health.ts";
import type { Metrics } from "./create-metrics.ts";

const states = ["healthy", "degraded", "unhealthy", "unknown"] as const;

/**
 * Metrics of a service's health, read from it when somebody asks: `health_ready`, `health_live`, `health_component_state`
 * and the others that docs/metrics.md has.
 *
 * @throws InvalidArgumentError when these metrics have been defined before
 * @example
 * recordHealth(metrics, health);
 */
export function recordHealth(metrics: Metrics, health: Pick<Health, "view" | "isStarted" | "inFlight">): void {
  const flag = (name: string, help: string, read: () => boolean): void =>
    metrics.readFrom({ name, help, type: "gauge", labels: [], read: (tell) => tell(read() ? 1 : 0) });
  flag("health_live", "1 while the process can go on; else it wants to be restarted.", () => health.view().isLive);
  flag("health_ready", "1 while the service wants requests.", () => health.view().isReady);
  flag("health_started", "1 once everything critical has been well.", () => health.isStarted);
  flag("health_draining", "1 from the moment it takes no more requests.", () => health.view().isDraining);
  metrics.readFrom({
    name: "health_requests_in_flight",
    help: "Requests that a drain would wait for.",
    type: "gauge",
    labels: [],
    read: (tell) => tell(health.inFlight),
  });
  metrics.readFrom({
    name: "health_component_state",
    help: "1 for the state that the component is in, 0 for the others.",
    type: "gauge",
    labels: ["component", "critical", "state"],
    read: (tell) => {
      for (const { name, state: own, isCritical } of health.view().components) {
        for (const state of states) tell(state === own ? 1 : 0, name, String(isCritical), state);
      }
    },
  });
}
