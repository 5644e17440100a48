import { closeSync, fstatSync, fsyncSync, openSync, readSync, realpathSync, writeSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import type { RandomSource } from "../../runtime/index.ts";
import type { UndoStep } from "./undo-step.ts";

type Restoring = Extract<UndoStep, { readonly undo: "restoreBytes" }>;

/** Draws bits of a file, and what the bytes were before and will be after. Changes nothing. */
export function drawBits(directory: string, file: string, bits: number, random: RandomSource): Restoring {
  const root = realpathSync(directory);
  // Behind links, too, it must be a file of the directory that has agreed.
  const path = realpathSync(resolve(join(root, file)));
  if (!path.startsWith(root + sep)) throw new Error(`${file} is not in ${directory}`);
  const handle = openSync(path, "r+");
  try {
    const { ino, size } = fstatSync(handle);
    if (size === 0) throw new Error(`${file} is empty`);
    const bytes = new Map<number, { readonly before: number; after: number }>();
    const drawn = new Set<number>();
    while (drawn.size < Math.min(bits, size * 8)) {
      const bit = Math.floor(random.next() * size * 8);
      if (drawn.has(bit)) continue;
      drawn.add(bit);
      const at = Math.floor(bit / 8);
      const before = bytes.get(at)?.before ?? readByte(handle, at);
      const after = (bytes.get(at)?.after ?? before) ^ (1 << (bit % 8));
      bytes.set(at, { before, after });
    }
    const turned = [...bytes].map(([at, byte]) => ({ at, ...byte }));
    return { undo: "restoreBytes", path, inode: String(ino), bytes: turned };
  } finally {
    closeSync(handle);
  }
}

/** Turns what was drawn, where the bytes are still the same. */
export function turnBits({ path, inode, bytes }: Restoring): void {
  const handle = openSync(path, "r+");
  try {
    if (String(fstatSync(handle).ino) !== inode) throw new Error(`${path} is another file by now`);
    for (const { at, before, after } of bytes) {
      if (readByte(handle, at) === before) writeSync(handle, Uint8Array.of(after), 0, 1, at);
    }
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function readByte(handle: number, at: number): number {
  const byte = new Uint8Array(1);
  if (readSync(handle, byte, 0, 1, at) !== 1) throw new Error("the file has become shorter");
  return byte[0]!;
}
