import type { Coordination } from "holdfast/coordination";
import {
  configurationUpdate,
  customExecutor,
  dataValidation,
  healthCheck,
  serviceRestart,
  type ConfigurationFiles,
  type ServiceControl,
  type StepExecutor,
} from "holdfast/recovery";
import type { Network } from "holdfast/runtime";
import { failure } from "../cli/exit.ts";
import { snapshotRestore } from "./snapshot-restore.ts";
import { configurationFiles } from "holdfast/adapters/configuration-file";
import { grpcHealthProbe } from "holdfast/adapters/grpc-health";
import { commandDefaults, commandExecutor } from "holdfast/adapters/process";

/** What steps may do to the machine. */
export interface ExecutorRights {
  /** Programs, or anything. */
  readonly allow: readonly string[] | "any";
  /** Variables that programs get beside the usual ones, and that steps may set. */
  readonly environment: readonly string[] | undefined;
  /** Below which directories steps may change files, and restore members. */
  readonly roots: readonly string[];
  readonly services: ServiceControl | undefined;
}

/** What the command can run by itself. */
export function planExecutors(
  coordination: Coordination,
  network: Network,
  { allow, environment, roots, services }: ExecutorRights,
): StepExecutor[] {
  const named = environment && { pass: [...commandDefaults.pass, ...environment], set: environment };
  // Who runs a plan himself means his own environment.
  const passed = named ?? (allow === "any" ? { pass: ["*"] } : {});
  return [
    commandExecutor({ allow, ...passed }),
    configurationUpdate({ coordination, ...(roots.length > 0 && { files: configurationFiles({ roots }) }) }),
    healthCheck({ fetch, network, grpc: grpcHealthProbe(), coordination }),
    dataValidation({ fetch }),
    ...(roots.length > 0 ? [snapshotRestore({ roots })] : []),
    ...(services === undefined ? [] : [serviceRestart({ services, coordination })]),
  ];
}

/** The same types for plans that are only checked here, and types that others run: whoever runs them has the last word. */
export function checkingExecutors(types: readonly string[]): StepExecutor[] {
  const unreachable = (): never => {
    throw failure("this step is run by an orchestrator of your own");
  };
  const store = { range: unreachable, txn: unreachable };
  const files: ConfigurationFiles = { read: unreachable, replace: unreachable };
  return [
    commandExecutor({ allow: "any" }),
    configurationUpdate({ coordination: store, files }),
    healthCheck({ fetch, network: { connect: unreachable }, grpc: unreachable, coordination: store }),
    dataValidation({ fetch }),
    snapshotRestore(),
    serviceRestart({ services: { restart: unreachable, status: unreachable }, coordination: store }),
    ...types.map((type) => customExecutor(type, unreachable)),
  ];
}
