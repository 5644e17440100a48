import { checkFunction, checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { checkName } from "./failure.ts";
import type { RecoveryTask } from "./recovery-task.ts";

export interface RecoveryContext {
  readonly task: RecoveryTask;
  readonly attempt: number;
  /** The same for one attempt wherever it is begun: a process that takes over begins the attempt again. */
  readonly idempotencyKey: string;
  /** Greater for whoever took over; undefined without a coordination. */
  readonly fencingToken: number | undefined;
  /** Fires when it takes too long, when another process may act, and at the close. */
  readonly signal: AbortSignal;
}

/** How sure a strategy is that it can help, 0..1, and why. */
export interface StrategyOpinion {
  readonly confidence: number;
  readonly because: string;
}

export interface RecoveryStrategy {
  /** Unique; stands in the record. */
  readonly name: string;
  /** Types of failures; `*` for all. */
  readonly handles: readonly string[];
  /** Looks at the evidence, without doing anything. Default: 0.5. One that throws cannot handle it. */
  readonly canHandle?: (task: RecoveryTask) => false | StrategyOpinion;
  /** Repairs, and resolves when that is done: with anything. Begun again after a crash, so let it be idempotent. */
  readonly run: (context: RecoveryContext) => unknown;
  /** Whether the target is well, asked after `run` has resolved. Default: the `verify` of all. */
  readonly verify?: Verify;
  /** How long `run` may take. Default: the `timeoutMs` of all. */
  readonly timeoutMs?: number;
  /** Told to end when the target is well before it is done. Default false: it may be why the target is well. */
  readonly endsWhenWell?: boolean;
}

export type Verify = (task: RecoveryTask, options: { readonly signal: AbortSignal }) => PromiseLike<boolean> | boolean;

/** What was chosen; undefined when nothing can help. `because` names all that were asked. */
export interface StrategyChoice {
  readonly strategy: RecoveryStrategy | undefined;
  readonly confidence: number;
  readonly because: string;
}

const optionNames = ["name", "handles", "canHandle", "run", "verify", "timeoutMs", "endsWhenWell"];

/** @throws InvalidArgumentError */
export function checkStrategies(strategies: readonly RecoveryStrategy[]): void {
  if (!Array.isArray(strategies)) {
    throw new InvalidArgumentError("automaticRecovery.strategies", "must be a list", strategies);
  }
  const names = new Set<string>();
  for (const [at, strategy] of strategies.entries() as IterableIterator<[number, RecoveryStrategy]>) {
    const option = `automaticRecovery.strategies[${at}]`;
    checkOptionNames(option, strategy, optionNames);
    const name = checkName(`${option}.name`, strategy.name);
    if (names.has(name)) throw new InvalidArgumentError(`${option}.name`, "must be unlike the others", name);
    names.add(name);
    const { handles, run } = strategy;
    if (!Array.isArray(handles) || handles.length === 0) {
      throw new InvalidArgumentError(`${option}.handles`, "must be a list of types of failures, or of *", handles);
    }
    for (const [place, type] of handles.entries()) checkName(`${option}.handles[${place}]`, type);
    if (typeof run !== "function") throw new InvalidArgumentError(`${option}.run`, "must be a function", run);
    checkFunction(`${option}.canHandle`, strategy.canHandle);
    checkFunction(`${option}.verify`, strategy.verify);
    if (strategy.timeoutMs !== undefined) checkInteger(`${option}.timeoutMs`, strategy.timeoutMs, 1);
  }
}

/**
 * The strategy that is surest of itself; each failure of it with this very task halves (then thirds, …) what its word is
 * worth, so that others get their turn. Of equals, the one that stands first.
 */
export function chooseStrategy(strategies: readonly RecoveryStrategy[], task: RecoveryTask): StrategyChoice {
  const told: string[] = [];
  let best: { readonly strategy: RecoveryStrategy; readonly worth: number; readonly confidence: number } | undefined;
  for (const strategy of strategies) {
    if (!strategy.handles.includes(task.type) && !strategy.handles.includes("*")) continue;
    const opinion = opinionOf(strategy, task);
    if (typeof opinion === "string") {
      told.push(`${strategy.name}: ${opinion}`);
      continue;
    }
    const { confidence, because } = opinion;
    const failures = task.attempts.filter((attempt) => attempt.strategy === strategy.name).length;
    told.push(`${strategy.name}: ${confidence}${failures > 0 ? ` / ${failures + 1}` : ""}, ${because}`);
    const worth = confidence / (failures + 1);
    if (best === undefined || worth > best.worth) best = { strategy, worth, confidence };
  }
  const because = told.length === 0 ? `no strategy handles ${task.type}` : told.join("; ").slice(0, 500);
  return { strategy: best?.strategy, confidence: best?.confidence ?? 0, because };
}

function opinionOf(strategy: RecoveryStrategy, task: RecoveryTask): StrategyOpinion | string {
  if (strategy.canHandle === undefined) return { confidence: 0.5, because: `handles ${task.type}` };
  try {
    const opinion = strategy.canHandle(task);
    if (opinion === false) return "cannot";
    const { confidence, because } = opinion;
    if (!(confidence >= 0 && confidence <= 1)) return `cannot: its confidence is ${String(confidence)}`;
    return { confidence, because: because.slice(0, 200) };
  } catch (error) {
    return `cannot: it threw ${error instanceof Error ? error.message.slice(0, 100) : "something"}`;
  }
}
