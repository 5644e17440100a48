import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { checkNumber, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { FaultOrder, FaultParameters, LiveTarget } from "../../proof/index.ts";
import type { RandomSource } from "../../runtime/index.ts";
import { systemRandom } from "../../runtime/system.ts";
import { drawBits, turnBits } from "./corrupt-file.ts";
import { checkFaultParameters, checkKinds, type FaultRules } from "./fault-rules.ts";
import { fillUp, spaceNeeded } from "./filler.ts";
import { directoryAgrees } from "./opt-in.ts";
import { armGuard } from "./undo-guard.ts";
import { takeBack, type UndoStep } from "./undo-step.ts";

/** What can strike a directory of any file system, for every program that uses it. */
export type DirectoryFaultKind = "fullDisk" | "corruptDisk";

export interface DirectoryTargetOptions {
  /** What faults are aimed at. */
  readonly name: string;
  /** It agrees by a file `.holdfast-faults` in it, which says `allow` or names kinds. */
  readonly directory: string;
  /** The kinds that it agrees to. Default both. */
  readonly allow?: readonly DirectoryFaultKind[];
  /** The least that a full disk leaves free: others may live on the same one. Default 64 MiB. */
  readonly leaveFreeBytes?: number;
  /** A fault that would have to write more is refused. Default 1 GiB. */
  readonly maxFillBytes?: number;
  /** Default Node's. */
  readonly random?: RandomSource;
}

export const defaultDirectoryTargetOptions: { readonly leaveFreeBytes: number; readonly maxFillBytes: number } = {
  leaveFreeBytes: 64 * 1024 * 1024,
  maxFillBytes: 1024 * 1024 * 1024,
};

const kinds: readonly DirectoryFaultKind[] = ["fullDisk", "corruptDisk"];

/**
 * A directory as a target of live faults: its file system is filled up, or bits of one of its files turn. At the end the
 * space is free again, and the bits are as they were where nobody has written since. A guard does so when the injector dies.
 *
 * @throws InvalidArgumentError on an option that breaks its rule
 * @example
 * const data = directoryTarget({ name: "data", directory: "/var/lib/service" });
 * const faults = faultRegistry({ clock: nodeRuntime().clock, targets: [data] });
 * await faults.inject({ target: "data", kind: "fullDisk", durationMs: 5_000 });
 */
export function directoryTarget(options: DirectoryTargetOptions): LiveTarget {
  const names = ["name", "directory", "allow", "random", ...Object.keys(defaultDirectoryTargetOptions)];
  checkOptionNames("directoryTarget", options, names);
  const given = { ...defaultDirectoryTargetOptions, random: systemRandom, ...options };
  if (statSync(given.directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new InvalidArgumentError("directoryTarget.directory", "must be a directory", given.directory);
  }
  checkNumber("directoryTarget.leaveFreeBytes", given.leaveFreeBytes, 0);
  checkNumber("directoryTarget.maxFillBytes", given.maxFillBytes, 0);
  const allow = checkKinds("directoryTarget.allow", options.allow ?? kinds, kinds);
  return new DirectoryTarget({ ...given, allow });
}

class DirectoryTarget implements LiveTarget {
  readonly name: string;
  readonly kinds: readonly DirectoryFaultKind[];
  readonly #options: Required<DirectoryTargetOptions>;
  readonly #rules: FaultRules<DirectoryFaultKind>;
  readonly #disarm = new Map<string, () => void>();

  constructor(options: Required<DirectoryTargetOptions>) {
    this.name = options.name;
    this.kinds = options.allow;
    this.#options = options;
    const least = options.leaveFreeBytes;
    this.#rules = {
      fullDisk: { freeBytes: { least, most: 2 ** 50, whole: true, default: least } },
      corruptDisk: {
        file: { text: "the path of a file in the directory" },
        bits: { least: 1, most: 64, whole: true, default: 1 },
      },
    };
  }

  optedIn(kind: string): boolean {
    return directoryAgrees(this.#options.directory, kind);
  }

  check(kind: string, parameters: FaultParameters): FaultParameters {
    return checkFaultParameters(this.#rules[kind as DirectoryFaultKind], parameters);
  }

  prepare({ kind, parameters }: FaultOrder): UndoStep {
    const { directory, maxFillBytes, random } = this.#options;
    if (kind === "corruptDisk") {
      return drawBits(directory, String(parameters["file"]), Number(parameters["bits"]), random);
    }
    const needed = spaceNeeded(directory, Number(parameters["freeBytes"]));
    if (needed > maxFillBytes) throw new Error(`${needed} bytes would have to be filled, more than ${maxFillBytes}`);
    // Another injector may call its fault the same.
    return { undo: "deleteFiller", path: `${resolve(directory)}/.holdfast-filler-${randomUUID()}` };
  }

  async inject({ id, parameters, durationMs }: FaultOrder, undo: unknown): Promise<void> {
    const step = undo as UndoStep;
    this.#disarm.set(id, await armGuard(step, durationMs));
    if (step.undo === "restoreBytes") turnBits(step);
    else if (step.undo === "deleteFiller") {
      await fillUp(step.path, Number(parameters["freeBytes"]), this.#options.maxFillBytes);
    }
  }

  remove({ id }: FaultOrder, undo: unknown): void {
    takeBack(undo as UndoStep);
    this.#disarm.get(id)?.();
    this.#disarm.delete(id);
  }
}
