import { checkFunction, checkInteger, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { FaultOrder, FaultParameters, LiveTarget } from "../../proof/index.ts";
import { checkFaultParameters, checkKinds, needLinux, share, type FaultRules } from "./fault-rules.ts";
import { processAgrees } from "./opt-in.ts";
import { processRecord, type ProcessRecord } from "./process-record.ts";
import { armGuard } from "./undo-guard.ts";
import { takeBack, type UndoStep } from "./undo-step.ts";

/** What can strike a process of any kind. */
export type ProcessFaultKind = "pause" | "slow" | "crash";

export interface ProcessTargetOptions {
  /** What faults are aimed at: 1 to 64 letters, digits, `_`, `.` and `-`. */
  readonly name: string;
  /** Its number, or what tells the present one; undefined while it does not run. */
  readonly pid: number | (() => number | undefined);
  /** Starts it again when a `crash` ends and nobody else has; needs `pid` as a function. */
  readonly start?: () => unknown;
  /** The kinds that strike it. Default: `pause` and `slow`, and with `start` also `crash`. */
  readonly allow?: readonly ProcessFaultKind[];
}

const rules: FaultRules<ProcessFaultKind> = {
  /** It stands still (SIGSTOP): connections stay open, and nothing answers. */
  pause: {},
  /** It stands still for a share of every so many milliseconds. */
  slow: { share: { ...share, default: 0.5 }, everyMs: { least: 10, most: 60_000, default: 100 } },
  /** It is killed, or asked to end and killed when it has not after `killAfterMs`; and started again at the end. */
  crash: {
    how: { words: ["kill", "terminate"], default: "kill" },
    killAfterMs: { least: 0, most: 60_000, default: 5_000 },
  },
};

const kinds = Object.keys(rules) as ProcessFaultKind[];
const effectWithinMs = 5_000;

interface Undo {
  readonly pid: number;
  readonly identity: string;
}

interface Strike {
  count: number;
  timer?: NodeJS.Timeout;
  disarm?: () => void;
}

/**
 * A process of this machine as a target of live faults: paused, slowed down, killed and started again. It has agreed when
 * its environment says `HOLDFAST_FAULTS=allow` (or names kinds). A guard continues it when the injector dies or hangs.
 * Linux; the signals need the right to send them.
 *
 * @throws InvalidArgumentError on an option that breaks its rule
 * @example
 * const child = spawn("redis-server", [], { env: { ...process.env, HOLDFAST_FAULTS: "allow" } });
 * const redis = processTarget({ name: "redis", pid: child.pid });
 * const faults = faultRegistry({ clock: nodeRuntime().clock, targets: [redis] });
 * await faults.inject({ target: "redis", kind: "pause", durationMs: 2_000 });
 */
export function processTarget(options: ProcessTargetOptions): LiveTarget {
  checkOptionNames("processTarget", options, ["name", "pid", "start", "allow"]);
  needLinux("processTarget");
  const { name, pid, start } = options;
  if (typeof pid !== "function") checkInteger("processTarget.pid", pid, 2);
  if (start !== undefined) {
    checkFunction("processTarget.start", start);
    if (typeof pid === "number") {
      throw new InvalidArgumentError("processTarget.pid", "must be a function where there is a start", pid);
    }
  }
  const agreed = options.allow ?? kinds.filter((kind) => kind !== "crash" || start !== undefined);
  checkKinds("processTarget.allow", agreed, kinds);
  return new ProcessTarget(name, agreed, typeof pid === "number" ? () => pid : pid, start);
}

class ProcessTarget implements LiveTarget {
  readonly name: string;
  readonly kinds: readonly ProcessFaultKind[];
  readonly #pid: () => number | undefined;
  readonly #start: (() => unknown) | undefined;
  /** What goes on, by id; those of `pause` come before those of `slow` wherever they meet. */
  readonly #strikes = new Map<string, Strike>();
  readonly #pauses = new Set<string>();

  constructor(
    name: string,
    agreed: readonly ProcessFaultKind[],
    pid: () => number | undefined,
    start: (() => unknown) | undefined,
  ) {
    this.name = name;
    this.kinds = agreed;
    this.#pid = pid;
    this.#start = start;
  }

  optedIn(kind: string): boolean {
    const pid = this.#find()?.pid;
    return pid !== undefined && processAgrees(pid, kind);
  }

  check(kind: string, parameters: FaultParameters): FaultParameters {
    return checkFaultParameters(rules[kind as ProcessFaultKind], parameters);
  }

  prepare(): Undo {
    const record = this.#find();
    if (record === undefined) throw new Error(`${this.name} does not run`);
    if (record.pid === process.pid) throw new Error(`${this.name} is the process that injects`);
    // Continuing it at the end would be another's fault taken back.
    if (record.isStopped && this.#strikes.size === 0) throw new Error(`${this.name} is stopped already`);
    return { pid: record.pid, identity: record.identity };
  }

  async inject(order: FaultOrder, undo: unknown): Promise<void> {
    const { id, kind, parameters, durationMs } = order;
    const whom = undo as Undo;
    const strike: Strike = { count: 0 };
    this.#strikes.set(id, strike);
    if (kind === "crash") {
      await crash(whom, parameters);
      strike.count++;
      return;
    }
    const step: UndoStep = { undo: "continue", ...whom };
    strike.disarm = await armGuard(step, durationMs);
    if (kind === "pause") {
      this.#pauses.add(id);
      await stop(whom);
      strike.count++;
    } else this.#stutter(strike, whom, Number(parameters["share"]), Number(parameters["everyMs"]));
  }

  async remove({ id, kind }: FaultOrder, undo: unknown): Promise<void> {
    if (kind === "crash") {
      if (this.#find() === undefined) await this.#start?.();
    } else {
      const strike = this.#strikes.get(id);
      clearTimeout(strike?.timer);
      this.#pauses.delete(id);
      const whom = undo as Undo;
      if (this.#pauses.size === 0) {
        takeBack({ undo: "continue", ...whom });
        await waitUntil(`${whom.pid} runs again`, () => runs(whom)?.isStopped !== true);
      }
      strike?.disarm?.();
    }
    this.#strikes.delete(id);
  }

  /** Stops; of `slow`, each of them. */
  struck(id: string): number | undefined {
    return this.#strikes.get(id)?.count;
  }

  #find(): ProcessRecord | undefined {
    const pid = this.#pid();
    // Neither everybody (0, -1) nor who started all others.
    return pid === undefined || !Number.isInteger(pid) || pid < 2 ? undefined : processRecord(pid);
  }

  #stutter(strike: Strike, whom: Undo, part: number, everyMs: number): void {
    const stopMs = part * everyMs;
    const runOn = (): void => {
      if (this.#pauses.size === 0) takeBack({ undo: "continue", ...whom });
      strike.timer = setTimeout(standStill, everyMs - stopMs);
    };
    const standStill = (): void => {
      if (!signal(whom, "SIGSTOP")) return;
      strike.count++;
      strike.timer = setTimeout(stopMs < everyMs ? runOn : standStill, stopMs);
    };
    if (stopMs > 0) standStill();
  }
}

async function stop(whom: Undo): Promise<void> {
  if (!signal(whom, "SIGSTOP")) throw new Error(`process ${whom.pid} is gone`);
  await waitUntil(`${whom.pid} is stopped`, () => runs(whom)?.isStopped !== false);
}

async function crash(whom: Undo, { how, killAfterMs }: FaultParameters): Promise<void> {
  const isGone = (): boolean => runs(whom) === undefined;
  if (how === "terminate") {
    signal(whom, "SIGTERM");
    if (await becomes(isGone, Number(killAfterMs))) return;
  }
  signal(whom, "SIGKILL");
  await waitUntil(`${whom.pid} is gone`, isGone);
}

/** The process that was meant, if it is still there. */
function runs({ pid, identity }: Undo): ProcessRecord | undefined {
  const record = processRecord(pid);
  return record?.identity === identity ? record : undefined;
}

/** Whether it was there to get it. */
function signal(whom: Undo, name: NodeJS.Signals): boolean {
  if (runs(whom) === undefined) return false;
  try {
    return process.kill(whom.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

async function waitUntil(what: string, condition: () => boolean): Promise<void> {
  if (!(await becomes(condition, effectWithinMs))) throw new Error(`${what}: not within ${effectWithinMs} ms`);
}

async function becomes(condition: () => boolean, withinMs: number): Promise<boolean> {
  const endMs = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > endMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return true;
}
