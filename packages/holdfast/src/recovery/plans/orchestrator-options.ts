import type { Coordination } from "../../coordination/index.ts";
import { checkFunction, checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock, systemRandom, type Clock, type RandomSource } from "../../runtime/system.ts";
import type { ExecutionLimits } from "./execution-draft.ts";
import { defaultPlanPrefix } from "./execution-keys.ts";
import type { PlanEvent } from "./plan-event.ts";
import { executorTable, type StepExecutor } from "./step-executor.ts";

export interface OrchestratorOptions {
  /** Where executions are recorded: the embedded cluster, etcd, or memory for tests. */
  readonly coordination: Coordination;
  readonly executors: readonly StepExecutor[];
  /** In the history, of what it takes over. Default: drawn at random. */
  readonly name?: string;
  /** What its keys begin with; orchestrators of one prefix share the work. Default `recovery/`. */
  readonly prefix?: string;
  /** Whether it goes on with executions that others have begun, and left. Default true. */
  readonly takesOver?: boolean;
  /** How long others wait until they take over from it, seconds. Default 10. */
  readonly ttlSeconds?: number;
  /** Executions that it runs at the same time; more wait in the store. Default 1 000. */
  readonly maxRunning?: number;
  /** Executions that are not over, of all orchestrators; more are refused. Default 10 000. */
  readonly maxActive?: number;
  /** Executions that are over and kept; the oldest go first. Default 1 000. */
  readonly maxFinished?: number;
  /** Transitions kept in the history of an execution; the oldest go first. Default 1 000. */
  readonly maxHistory?: number;
  /** Of all outputs of an execution; one that is too large is left out. Default 256 KiB. */
  readonly maxOutputBytes?: number;
  /** How long a try that was told to end may take for that. Default 5 000. */
  readonly graceMs?: number;
  /** How often crashes may interrupt a step until it has failed. Default 5. */
  readonly maxInterruptions?: number;
  /** What was decided, after it was recorded, of the executions that run here. */
  readonly onEvent?: (event: PlanEvent) => void;
  /** What keeps it from doing its work, or from going on with one execution. */
  readonly onError?: (error: unknown, execution: string | undefined) => void;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

export const orchestratorDefaults: {
  readonly prefix: string;
  readonly takesOver: boolean;
  readonly ttlSeconds: number;
  readonly maxRunning: number;
  readonly maxActive: number;
  readonly maxFinished: number;
  readonly maxHistory: number;
  readonly maxOutputBytes: number;
  readonly graceMs: number;
  readonly maxInterruptions: number;
} = {
  prefix: defaultPlanPrefix,
  takesOver: true,
  ttlSeconds: 10,
  maxRunning: 1_000,
  maxActive: 10_000,
  maxFinished: 1_000,
  maxHistory: 1_000,
  maxOutputBytes: 256 * 1024,
  graceMs: 5_000,
  maxInterruptions: 5,
};

export interface OrchestratorSettings extends Required<
  Omit<OrchestratorOptions, "executors" | "onEvent" | "onError" | "graceMs" | "maxInterruptions">
> {
  readonly executors: ReadonlyMap<string, StepExecutor>;
  readonly limits: ExecutionLimits;
  readonly onEvent: OrchestratorOptions["onEvent"];
  readonly onError: OrchestratorOptions["onError"];
}

const names = [
  ...Object.keys(orchestratorDefaults),
  "coordination",
  "executors",
  "name",
  "onEvent",
  "onError",
  "clock",
  "random",
];

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkOrchestratorOptions(options: OrchestratorOptions): OrchestratorSettings {
  checkOptionNames("orchestrator", options, names);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const all = { ...orchestratorDefaults, ...(given as unknown as OrchestratorOptions) };
  const { coordination, onEvent, onError, clock = systemClock, random = systemRandom } = all;
  if (typeof coordination?.txn !== "function") {
    throw new InvalidArgumentError("orchestrator.coordination", "must be a Coordination", coordination);
  }
  const { name = `orchestrator-${Math.floor(random.next() * 2 ** 32).toString(36)}`, prefix } = all;
  if (typeof name !== "string" || name === "" || name.length > 64) {
    throw new InvalidArgumentError("orchestrator.name", "must be 1 to 64 characters", name);
  }
  if (typeof prefix !== "string" || !prefix.endsWith("/")) {
    throw new InvalidArgumentError("orchestrator.prefix", "must end in a slash", prefix);
  }
  const { takesOver } = all;
  if (typeof takesOver !== "boolean") {
    throw new InvalidArgumentError("orchestrator.takesOver", "must be true or false", takesOver);
  }
  checkFunction("orchestrator.onEvent", onEvent);
  checkFunction("orchestrator.onError", onError);
  const integer = (option: "ttlSeconds" | "maxRunning" | "maxActive" | "maxFinished" | "maxHistory", least: number) =>
    checkInteger(`orchestrator.${option}`, all[option], least, 1_000_000);
  return {
    coordination,
    executors: executorTable(all.executors),
    name,
    prefix,
    takesOver,
    ttlSeconds: integer("ttlSeconds", 1),
    maxRunning: integer("maxRunning", 1),
    maxActive: integer("maxActive", 1),
    maxFinished: integer("maxFinished", 0),
    maxHistory: integer("maxHistory", 1),
    // One transition takes what one step gives, and etcd takes 1.5 MiB.
    maxOutputBytes: checkInteger("orchestrator.maxOutputBytes", all.maxOutputBytes, 0, 512 * 1024),
    limits: {
      graceMs: checkNumber("orchestrator.graceMs", all.graceMs, 0, 24 * 3_600_000),
      maxInterruptions: checkInteger("orchestrator.maxInterruptions", all.maxInterruptions, 0, 1_000_000),
    },
    onEvent,
    onError,
    clock,
    random,
  };
}
