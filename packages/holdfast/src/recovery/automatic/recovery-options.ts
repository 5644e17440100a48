import { hexOf, type Coordination } from "../../coordination/index.ts";
import { checkFunction, checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { systemClock, systemRandom, type Clock, type RandomSource } from "../../runtime/system.ts";
import type { Telemetry } from "../../telemetry/index.ts";
import { dependencyOrder } from "../dependency-order.ts";
import { checkName, checkPriority, type FailurePriority } from "./failure.ts";
import type { PersonCall } from "./recovery-input.ts";
import { checkStrategies, type RecoveryStrategy, type Verify } from "./recovery-strategy.ts";
import type { RecoveryEntry } from "./recovery-task.ts";

export interface AutomaticRecoveryOptions {
  readonly strategies: readonly RecoveryStrategy[];
  /** What each target needs: while that fails, failures of the target are symptoms, and wait. No cycles. */
  readonly dependsOn?: { readonly [target: string]: readonly string[] };
  /** By type of failure. Default `medium`. */
  readonly priorities?: { readonly [type: string]: FailurePriority };
  /** Whether a target is well, asked after a strategy is done. Default: it is unless it is reported again. */
  readonly verify?: Verify;
  /** How long a success is on trial: `verify` is asked again and again for so long. Default 10 000. */
  readonly verifyMs?: number;
  /** Recoveries at the same time. Default 4. */
  readonly maxRunning?: number;
  /** Failures that are not over; the oldest of the lowest priority is dropped for more. Default 1 000. */
  readonly maxTasks?: number;
  /** Failures that are over and kept with their records; the oldest go first. Default 1 000. */
  readonly maxClosed?: number;
  /** Attempts at one target in `attemptWindowMs`, until a person is called. Default 3. */
  readonly maxAttempts?: number;
  /** Default an hour. */
  readonly attemptWindowMs?: number;
  /** Before the second attempt; twice as long before each other. Drawn from its upper half. Default 10 000. */
  readonly backoffMs?: number;
  /** Default 600 000. */
  readonly maxBackoffMs?: number;
  /** How long one attempt may take. Default 300 000. */
  readonly timeoutMs?: number;
  /** How long a strategy that was told to end may take for that, until a person is called. Default 5 000. */
  readonly graceMs?: number;
  /** A target that was well for less than that is not tried before. Default 30 000. */
  readonly coolDownMs?: number;
  /** How long the first attempt at a target that needs others waits, to hear whether one of those fails. Default 1 000. */
  readonly causeWaitMs?: number;
  /** How long what was a symptom has to get well by itself when its cause is over. Default 10 000. */
  readonly symptomGraceMs?: number;
  /** Waiting so long is worth one priority. Default 60 000. */
  readonly ageingMs?: number;
  /** How often crashes may interrupt an attempt until it has failed. Default 3. */
  readonly maxInterruptions?: number;
  /** Where tasks and their records are kept, and who acts is agreed: the embedded cluster, etcd. Default: memory. */
  readonly coordination?: Coordination;
  /** What its keys begin with; processes of one prefix do the work together. Default `recovery/automatic/`. */
  readonly prefix?: string;
  /** How long others wait until they take over from it, seconds. Default 10. */
  readonly ttlSeconds?: number;
  /** In records, of what it takes over. Default: drawn at random. */
  readonly name?: string;
  readonly telemetry?: Pick<Telemetry, "publish">;
  readonly onDecision?: (entry: RecoveryEntry) => void;
  readonly onPersonWanted?: (call: PersonCall) => void;
  /** What keeps it from its work. */
  readonly onError?: (error: unknown) => void;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

type Numbers =
  | "verifyMs"
  | "maxRunning"
  | "maxTasks"
  | "maxClosed"
  | "maxAttempts"
  | "attemptWindowMs"
  | "backoffMs"
  | "maxBackoffMs"
  | "timeoutMs"
  | "graceMs"
  | "coolDownMs"
  | "causeWaitMs"
  | "symptomGraceMs"
  | "ageingMs"
  | "maxInterruptions"
  | "ttlSeconds";

export const automaticRecoveryDefaults: { readonly [Name in Numbers]: number } & { readonly prefix: string } = {
  verifyMs: 10_000,
  maxRunning: 4,
  maxTasks: 1_000,
  maxClosed: 1_000,
  maxAttempts: 3,
  attemptWindowMs: 3_600_000,
  backoffMs: 10_000,
  maxBackoffMs: 600_000,
  timeoutMs: 300_000,
  graceMs: 5_000,
  coolDownMs: 30_000,
  causeWaitMs: 1_000,
  symptomGraceMs: 10_000,
  ageingMs: 60_000,
  maxInterruptions: 3,
  ttlSeconds: 10,
  prefix: "recovery/automatic/",
};

export interface RecoverySettings extends Readonly<Record<Numbers, number>> {
  readonly strategies: readonly RecoveryStrategy[];
  /** By target, all it needs, directly or through others. */
  readonly needs: ReadonlyMap<string, readonly string[]>;
  readonly priorities: ReadonlyMap<string, FailurePriority>;
  readonly verify: Verify | undefined;
  readonly coordination: Coordination | undefined;
  readonly prefix: string;
  readonly name: string;
  readonly telemetry: AutomaticRecoveryOptions["telemetry"];
  readonly onDecision: AutomaticRecoveryOptions["onDecision"];
  readonly onPersonWanted: AutomaticRecoveryOptions["onPersonWanted"];
  readonly onError: AutomaticRecoveryOptions["onError"];
  readonly clock: Clock;
  readonly random: RandomSource;
}

/** From which value on an option makes sense; times may be fractions. */
const least: { readonly [Name in Numbers]: number } = {
  verifyMs: 0,
  maxRunning: 1,
  maxTasks: 1,
  maxClosed: 1,
  maxAttempts: 1,
  attemptWindowMs: 1,
  backoffMs: 0,
  maxBackoffMs: 0,
  timeoutMs: 1,
  graceMs: 0,
  coolDownMs: 0,
  causeWaitMs: 0,
  symptomGraceMs: 0,
  ageingMs: 1,
  maxInterruptions: 0,
  ttlSeconds: 1,
};

const names = [
  ...Object.keys(automaticRecoveryDefaults),
  "strategies",
  "dependsOn",
  "priorities",
  "verify",
  "coordination",
  "name",
  "telemetry",
  "onDecision",
  "onPersonWanted",
  "onError",
  "clock",
  "random",
];

/** @throws InvalidArgumentError naming the option, its rule and its value */
export function checkAutomaticRecoveryOptions(options: AutomaticRecoveryOptions): RecoverySettings {
  checkOptionNames("automaticRecovery", options, names);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const all = { ...automaticRecoveryDefaults, ...(given as unknown as AutomaticRecoveryOptions) };
  for (const [name, from] of Object.entries(least) as [Numbers, number][]) {
    const check = name.endsWith("Ms") ? checkNumber : checkInteger;
    check(`automaticRecovery.${name}`, all[name], from, name.endsWith("Ms") ? 2 ** 31 : 1_000_000);
  }
  if (all.maxBackoffMs < all.backoffMs) {
    const rule = `must be at least backoffMs, ${all.backoffMs}`;
    throw new InvalidArgumentError("automaticRecovery.maxBackoffMs", rule, all.maxBackoffMs);
  }
  checkStrategies(all.strategies);
  const { coordination, prefix, clock = systemClock, random = systemRandom } = all;
  if (coordination !== undefined && typeof coordination.txn !== "function") {
    throw new InvalidArgumentError("automaticRecovery.coordination", "must be a Coordination", coordination);
  }
  if (typeof prefix !== "string" || prefix.length < 2 || !prefix.endsWith("/")) {
    throw new InvalidArgumentError("automaticRecovery.prefix", "must end in a slash", prefix);
  }
  for (const name of ["verify", "onDecision", "onPersonWanted", "onError"] as const) {
    checkFunction(`automaticRecovery.${name}`, all[name]);
  }
  const name = checkName("automaticRecovery.name", all.name ?? hexOf(BigInt(Math.floor(random.next() * 2 ** 48))));
  const priorities = new Map(Object.entries(all.priorities ?? {}));
  for (const [type, priority] of priorities) checkPriority(`automaticRecovery.priorities.${type}`, priority);
  const { verify, telemetry, onDecision, onPersonWanted, onError } = all;
  const { needs } = dependencyOrder("automaticRecovery.dependsOn", directly(all.dependsOn ?? {}));
  const own = { verify, telemetry, onDecision, onPersonWanted, onError, coordination };
  return { ...all, ...own, needs, priorities, name, clock, random };
}

function directly(dependsOn: { readonly [target: string]: readonly string[] }): Map<string, readonly string[]> {
  const direct = new Map(Object.entries(dependsOn));
  for (const [target, needed] of direct) {
    const option = `automaticRecovery.dependsOn.${target}`;
    if (!Array.isArray(needed)) throw new InvalidArgumentError(option, "must be a list of targets", needed);
    for (const [at, each] of needed.entries()) checkName(`${option}[${at}]`, each);
  }
  return direct;
}
