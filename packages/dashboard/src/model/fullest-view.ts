import type { ClusterView } from "holdfast/telemetry";
import type { LiveModel } from "./live-model.ts";

/** Whether there are members to show: what serves the page may have none. */
export function hasMembers(cluster: ClusterView | null): cluster is ClusterView {
  return cluster !== null && cluster.members.length > 0;
}

/** Where somebody who opens the page sees most. */
export function fullestView(model: LiveModel): "cluster" | "services" | "work" | "events" {
  if (hasMembers(model.cluster)) return "cluster";
  if (model.drills.length > 0 || model.plans.length > 0) return "work";
  if (model.services.length > 0) return "services";
  return model.log.entries.length > 0 ? "events" : "cluster";
}
