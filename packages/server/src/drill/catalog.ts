import type { DrillScenario } from "holdfast/proof";
import { availability } from "./scenarios/availability.ts";
import { clockTrouble } from "./scenarios/clock-trouble.ts";
import { clusterKill } from "./scenarios/cluster-kill.ts";
import { crashUnsynced } from "./scenarios/crash-unsynced.ts";
import { dataConsistency } from "./scenarios/data-consistency.ts";
import { dependencyDown } from "./scenarios/dependency-down.ts";
import { fullDisk } from "./scenarios/full-disk.ts";
import { leaderKill } from "./scenarios/leader-kill.ts";
import { leaderPause } from "./scenarios/leader-pause.ts";
import { load } from "./scenarios/load.ts";
import { oldLeader } from "./scenarios/old-leader.ts";
import { overload } from "./scenarios/overload.ts";
import { partitionBridge } from "./scenarios/partition-bridge.ts";
import { partitionHalves } from "./scenarios/partition-halves.ts";
import { partitionLeader } from "./scenarios/partition-leader.ts";
import { partitionOneWay } from "./scenarios/partition-one-way.ts";
import { postgresqlTableLoss } from "./scenarios/postgresql-table-loss.ts";
import { recoveryPlan, recoveryRollback } from "./scenarios/recovery-plan.ts";
import { rollingRestart } from "./scenarios/rolling-restart.ts";
import { slowDisk } from "./scenarios/slow-disk.ts";
import { slowNetwork } from "./scenarios/slow-network.ts";

/** The drills that are built in. */
export const drills: readonly DrillScenario[] = [
  leaderKill,
  clusterKill,
  availability,
  rollingRestart,
  leaderPause,
  partitionLeader,
  partitionOneWay,
  partitionBridge,
  partitionHalves,
  oldLeader,
  slowNetwork,
  slowDisk,
  fullDisk,
  crashUnsynced,
  clockTrouble,
  dataConsistency,
  load,
  overload,
  recoveryPlan,
  recoveryRollback,
  dependencyDown,
  postgresqlTableLoss,
];
