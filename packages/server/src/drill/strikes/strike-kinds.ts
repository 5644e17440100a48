import type { NetworkFaultKind } from "holdfast/proof";
import { linkStrike, partition } from "./link-strikes.ts";
import { memberFaultKinds, memberStrike } from "./member-strikes.ts";
import { orchestratorKill } from "./orchestrator-strike.ts";
import { overload } from "./overload-strike.ts";
import { kill, pause, rollingRestart } from "./process-strikes.ts";
import type { StrikeKind } from "./strike.ts";

const linkKinds = ["delay", "loss", "bandwidth", "reset"] as const satisfies readonly NetworkFaultKind[];

/** What can be done to a cluster, by name. */
export const strikeKinds: Readonly<Record<string, StrikeKind>> = {
  kill,
  pause,
  rollingRestart,
  partition,
  ...Object.fromEntries(linkKinds.map((kind) => [kind, linkStrike(kind)])),
  ...Object.fromEntries(memberFaultKinds.map((kind) => [kind, memberStrike(kind)])),
  overload,
  orchestratorKill,
};
