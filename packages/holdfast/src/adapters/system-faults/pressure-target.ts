import { readFileSync } from "node:fs";
import { availableParallelism, freemem } from "node:os";
import { checkInteger, checkNumber, checkOptionNames } from "../../errors/base.ts";
import type { FaultOrder, FaultParameters, LiveTarget } from "../../proof/index.ts";
import { checkFaultParameters, checkKinds, share, type FaultRules } from "./fault-rules.ts";
import { startPressure, type PressureChild } from "./pressure-child.ts";

/** What becomes scarce on the machine. */
export type PressureKind = "cpu" | "memory";

export interface PressureTargetOptions {
  /** What faults are aimed at. Default `machine`. */
  readonly name?: string;
  /** The kinds that it agrees to. Default both. */
  readonly allow?: readonly PressureKind[];
  /** Busy threads of one fault. Default as many as there are processors. */
  readonly maxWorkers?: number;
  /** What must stay free: a fault that would leave less is refused. Default 256 MiB. */
  readonly leaveFreeBytes?: number;
}

export const defaultPressureTargetOptions: { readonly name: string; readonly leaveFreeBytes: number } = {
  name: "machine",
  leaveFreeBytes: 256 * 1024 * 1024,
};

const kinds: readonly PressureKind[] = ["cpu", "memory"];

/**
 * This machine as a target of live faults: threads of a child process keep processors busy, or a child holds memory that it
 * has touched. Whoever makes it agrees. The children end with the fault, with their injector, and by themselves.
 *
 * @throws InvalidArgumentError on an option that breaks its rule
 * @example
 * const faults = faultRegistry({ clock: nodeRuntime().clock, targets: [pressureTarget()] });
 * await faults.inject({ target: "machine", kind: "cpu", parameters: { share: 0.8 }, durationMs: 10_000 });
 */
export function pressureTarget(options: PressureTargetOptions = {}): LiveTarget {
  checkOptionNames("pressureTarget", options, ["name", "allow", "maxWorkers", "leaveFreeBytes"]);
  const given = { ...defaultPressureTargetOptions, maxWorkers: availableParallelism(), ...options };
  const allow = checkKinds("pressureTarget.allow", options.allow ?? kinds, kinds);
  const maxWorkers = checkInteger("pressureTarget.maxWorkers", given.maxWorkers, 1, 1_024);
  const leaveFreeBytes = checkNumber("pressureTarget.leaveFreeBytes", given.leaveFreeBytes, 0);
  return new PressureTarget(given.name, allow, maxWorkers, leaveFreeBytes);
}

class PressureTarget implements LiveTarget {
  readonly name: string;
  readonly kinds: readonly PressureKind[];
  readonly #rules: FaultRules<PressureKind>;
  readonly #leaveFreeBytes: number;
  readonly #children = new Map<string, PressureChild>();

  constructor(name: string, allow: readonly PressureKind[], maxWorkers: number, leaveFreeBytes: number) {
    this.name = name;
    this.kinds = allow;
    this.#leaveFreeBytes = leaveFreeBytes;
    this.#rules = {
      cpu: { share, workers: { least: 1, most: maxWorkers, whole: true, default: maxWorkers } },
      memory: { bytes: { least: 1, most: 2 ** 50, whole: true } },
    };
  }

  optedIn(): boolean {
    return true;
  }

  check(kind: string, parameters: FaultParameters): FaultParameters {
    return checkFaultParameters(this.#rules[kind as PressureKind], parameters);
  }

  prepare({ kind, parameters }: FaultOrder): null {
    if (kind !== "memory") return null;
    const left = availableBytes() - Number(parameters["bytes"]);
    if (left >= this.#leaveFreeBytes) return null;
    throw new Error(`it would leave ${Math.round(left)} bytes of memory, less than ${this.#leaveFreeBytes}`);
  }

  async inject({ id, kind, parameters, durationMs }: FaultOrder): Promise<void> {
    const values = parameters as { readonly share: number; readonly workers: number; readonly bytes: number };
    const pressure =
      kind === "cpu"
        ? ({ on: "cpu", workers: values.workers, share: values.share } as const)
        : ({ on: "memory", bytes: values.bytes } as const);
    this.#children.set(id, await startPressure(pressure, durationMs));
  }

  /** Nothing to do for an injector that has crashed: its children went with it. */
  async remove({ id }: FaultOrder): Promise<void> {
    await this.#children.get(id)?.end();
    this.#children.delete(id);
  }
}

/** What programs can get before others must give theirs back. */
function availableBytes(): number {
  if (process.platform !== "linux") return freemem();
  const [, kibibytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "latin1")) ?? [];
  return kibibytes === undefined ? freemem() : Number(kibibytes) * 1024;
}
