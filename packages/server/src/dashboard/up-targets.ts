import type { FaultRegistry, LiveTarget } from "holdfast/proof";
import type { FaultKindView } from "holdfast/telemetry";
import type { MemberPlan } from "../supervisor/cluster-plan.ts";
import { memberTarget, type MemberTarget } from "../supervisor/member-target.ts";
import type { PeerRoutes } from "../supervisor/peer-routes.ts";
import { routeFaults, type RouteFaultKind } from "../supervisor/routes-target.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import type { DeskKind, DeskTarget } from "./fault-desk.ts";

type Parameter = FaultKindView["parameters"][number];

/** A member that is not heard for so long is replaced as leader, and held for dead. */
const heardMs = 500;
/** What heartbeats alone take. */
const leastBytesPerSecond = 4_096;

/** Harmless when little of it is asked for, and a cut by another name when much is. */
const routeOutages: Partial<Record<RouteFaultKind, DeskKind["isOutage"]>> = {
  delay: ({ delayMs = 0, jitterMs = 0 }) => Number(delayMs) + Number(jitterMs) >= heardMs,
  loss: ({ share = 0 }) => Number(share) >= 0.9,
  bandwidth: ({ bytesPerSecond = Infinity }) => Number(bytesPerSecond) < leastBytesPerSecond,
};

const processKinds: Readonly<Record<string, Omit<DeskKind, "kind">>> = {
  crash: { label: "Kill, and keep down", isOutage: true, parameters: [] },
  restart: { label: "Kill, and start again at once", isOutage: true, parameters: [] },
  pause: { label: "Pause", isOutage: true, parameters: [] },
  slow: {
    label: "Slow down",
    isOutage: ({ share = 0, everyMs = 0 }) => Number(share) >= 0.9 || Number(share) * Number(everyMs) >= heardMs,
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
function processDeskTarget({ name }: MemberPlan, target: LiveTarget): DeskTarget {
  const kinds = target.kinds.flatMap((kind): DeskKind[] => {
    const described = processKinds[kind];
    return described === undefined ? [] : [{ kind, ...described }];
  });
  return { name: target.name, label: `member ${name}`, members: [name], kinds };
}

/** What the page says of a member's ways to the others. */
function routesDeskTarget({ name }: MemberPlan, target: LiveTarget): DeskTarget {
  const kinds = Object.entries(routeFaults).map(([kind, { stream, parameters }]): DeskKind => ({
    kind,
    label: routeLabels[kind as RouteFaultKind],
    // Held back for as long as it lasts.
    isOutage: stream === "clog" || (routeOutages[kind as RouteFaultKind] ?? false),
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

/** What of a cluster's members can be struck, while members come and go. */
export interface MemberTargets {
  /** As the page shows it: the processes first. */
  desk(): readonly DeskTarget[];
  /** Takes in who has come, and ends what strikes those who are gone. */
  follow(): void;
  /** From now on nothing is started again. */
  retire(): void;
}

interface Known {
  readonly process: MemberTarget;
  readonly desk: readonly DeskTarget[];
  readonly leave: readonly (() => Promise<void>)[];
}

export function memberTargets(options: {
  readonly registry: FaultRegistry;
  readonly supervisor: Supervisor;
  readonly routes: PeerRoutes;
}): MemberTargets {
  const { registry, supervisor, routes } = options;
  const known = new Map<string, Known>();
  let isRetired = false;

  function take(member: MemberPlan): Known {
    const process = memberTarget(member.name, supervisor);
    if (isRetired) process.retire();
    const ways = routes.targetOf(member);
    return {
      process,
      desk: [processDeskTarget(member, process), routesDeskTarget(member, ways)],
      leave: [registry.addTarget(process), registry.addTarget(ways)],
    };
  }

  function follow(): void {
    const members = new Map(supervisor.members().map(({ plan }) => [plan.name, plan]));
    for (const [name, { process, leave }] of known) {
      if (members.has(name)) continue;
      known.delete(name);
      process.retire();
      // What cannot be taken back of a process that is gone is of no account.
      for (const go of leave) void go().catch(() => undefined);
    }
    for (const [name, member] of members) if (!known.has(name)) known.set(name, take(member));
  }

  follow();
  return {
    desk() {
      const all = [...known.values()].map(({ desk }) => desk);
      // One alone has no ways to others.
      return [...all.map(([process]) => process!), ...(all.length > 1 ? all.map(([, ways]) => ways!) : [])];
    },
    follow,
    retire() {
      isRetired = true;
      for (const { process } of known.values()) process.retire();
    },
  };
}
