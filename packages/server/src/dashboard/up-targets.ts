import type { LiveTarget } from "holdfast/proof";
import type { FaultKindView } from "holdfast/telemetry";
import type { MemberPlan } from "../supervisor/cluster-plan.ts";
import { routeFaults, type RouteFaultKind } from "../supervisor/peer-routes.ts";
import type { DeskKind, DeskTarget } from "./fault-desk.ts";

type Parameter = FaultKindView["parameters"][number];

const processKinds: Readonly<Record<string, Omit<DeskKind, "kind">>> = {
  crash: { label: "Kill, and keep down", isOutage: true, parameters: [] },
  restart: { label: "Kill, and start again at once", isOutage: true, parameters: [] },
  pause: { label: "Pause", isOutage: true, parameters: [] },
  slow: {
    label: "Slow down",
    isOutage: false,
    parameters: [
      { name: "share", unit: "of the time stopped", defaultValue: 0.5, min: 0, max: 1 },
      { name: "everyMs", unit: "ms", defaultValue: 100, min: 10, max: 60_000 },
    ],
  },
};

const routeLabels: Readonly<Record<RouteFaultKind, string>> = {
  partition: "Cut off from the others",
  cannotSend: "Cannot be heard by the others",
  cannotHear: "Cannot hear the others",
  delay: "Delay",
  loss: "Lose packets",
  bandwidth: "Limit the bandwidth",
};

const units: Readonly<Record<string, string>> = {
  delayMs: "ms",
  jitterMs: "ms",
  share: "of packets",
  bytesPerSecond: "bytes/s",
};

/** What the page says of a member's process. */
export function processDeskTarget({ name }: MemberPlan, target: LiveTarget): DeskTarget {
  const kinds = target.kinds.flatMap((kind): DeskKind[] => {
    const described = processKinds[kind];
    return described === undefined ? [] : [{ kind, ...described }];
  });
  return { name: target.name, label: `member ${name}`, members: [name], kinds };
}

/** What the page says of a member's ways to the others. */
export function routesDeskTarget({ name }: MemberPlan, target: LiveTarget): DeskTarget {
  const kinds = Object.entries(routeFaults).map(([kind, { stream, parameters }]): DeskKind => ({
    kind,
    label: routeLabels[kind as RouteFaultKind],
    // Held back for as long as it lasts.
    isOutage: stream === "clog",
    parameters: Object.entries(parameters).map(([parameter, rule]): Parameter => ({
      name: parameter,
      unit: units[parameter] ?? "",
      defaultValue: rule.default,
      min: rule.least,
      max: rule.most,
    })),
  }));
  return { name: target.name, label: `peers of ${name}`, members: [name], kinds };
}
