import type { KillDrill } from "./kill-drill.ts";

/** The drills there are. */
export const drills: readonly KillDrill[] = [
  {
    name: "leader-kill",
    summary: "kill -9 the leader under load; the rest elect another",
    targets: (leader) => [leader],
  },
  {
    name: "cluster-kill",
    summary: "kill -9 all members at once under load; they come back with all that was acknowledged",
    targets: (_, members) => members,
  },
];
