import type { DiskControl, DiskFaults, Random } from "../runtime/index.ts";
import type { CorruptDisk } from "./fault.ts";
import type { Effect, EffectContext, StruckNode } from "./fault-effects.ts";
import { HoldCount } from "./hold-count.ts";

/** Turned bits stay turned; only the rotting ends. */
export function beginCorruptDisk(
  { random }: EffectContext,
  nodes: readonly StruckNode[],
  { share = 0, bits = share > 0 ? 0 : 1 }: CorruptDisk,
): Effect | undefined {
  let turned = 0;
  for (const { target } of nodes) {
    for (let bit = 0; bit < bits; bit++) if (turnBit(target.process.disk, random)) turned++;
  }
  const ends = share === 0 ? [] : nodes.map(({ target }) => target.process.disk.disturb({ bitRot: share }));
  if (turned === 0 && ends.length === 0) return undefined;
  return {
    end() {
      for (const end of ends) end();
    },
  };
}

/** Turns a bit somewhere, every stored byte being as likely; false when nothing is stored. */
function turnBit(disk: DiskControl, random: Random): boolean {
  const files = disk.files().map((path) => ({ path, size: disk.content(path)?.length ?? 0 }));
  let at = random.integer(0, Math.max(0, files.reduce((sum, { size }) => sum + size, 0) - 1));
  for (const { path, size } of files) {
    if (at < size) {
      disk.flipBit(path, at, random.integer(0, 7));
      return true;
    }
    at -= size;
  }
  return false;
}

/** Disks that are full, slow or failing for a time. */
export class DiskEffects {
  readonly #full = new HoldCount();

  beginFull(nodes: readonly StruckNode[], freeBytes: number): Effect {
    for (const { name, target } of nodes) {
      if (this.#full.hold(name)) target.process.disk.limitFree(freeBytes);
    }
    return {
      end: () => {
        for (const { name, target } of nodes) {
          if (this.#full.release(name)) target.process.disk.limitFree(undefined);
        }
      },
    };
  }

  disturb(nodes: readonly StruckNode[], faults: Partial<DiskFaults>): Effect {
    const ends = nodes.map(({ target }) => target.process.disk.disturb(faults));
    return {
      end() {
        for (const end of ends) end();
      },
    };
  }
}
