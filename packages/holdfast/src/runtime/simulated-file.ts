import { type CrashPolicy, sectorBytes } from "./crash-policy.ts";
import type { Random } from "./runtime.ts";
import { SparseBytes } from "./sparse-bytes.ts";

/** A change that no sync has covered. */
type Change =
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: "truncate"; readonly size: number };

/** What a crash did to a file. */
export interface CrashDamage {
  /** Something that was written is gone. */
  readonly lost: boolean;
  /** Of what was written, a part is gone and a part is there. */
  readonly torn: boolean;
}

/** A file on a simulated disk: what programs read, what the medium holds, and the changes in between, in order. */
export class FileImage {
  #visible = new SparseBytes();
  #durable = new SparseBytes();
  #changes: Change[] = [];
  /** The number of the first of `#changes`, counting from the file's beginning. */
  #firstChange = 0;

  get size(): number {
    return this.#visible.size;
  }

  get visible(): SparseBytes {
    return this.#visible;
  }

  get durable(): SparseBytes {
    return this.#durable;
  }

  /** The number of the next change: a sync that starts now covers those before it. */
  get nextChange(): number {
    return this.#firstChange + this.#changes.length;
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#visible.write(offset, bytes);
    this.#changes.push({ kind: "write", offset, bytes });
  }

  truncate(size: number): void {
    this.#visible.truncate(size);
    this.#changes.push({ kind: "truncate", size });
  }

  /** Makes the changes before number `end` durable. */
  sync(end: number): void {
    for (const change of this.#take(end)) apply(this.#durable, change);
  }

  /** Forgets the changes before number `end`: readable until the machine ends, but on no medium, and never retried. */
  dropUnsynced(end: number): void {
    this.#take(end);
  }

  /** Turns one bit, on the medium and in what is read. */
  flipBit(offset: number, bit: number): void {
    for (const content of [this.#visible, this.#durable]) {
      const old = content.read(offset, 1)[0];
      if (old !== undefined) content.write(offset, Uint8Array.of(old ^ (1 << bit)));
    }
  }

  /** The machine lost its power: the medium's content is what remains. */
  crash(policy: CrashPolicy, random: Random): CrashDamage {
    const changes = this.#take(this.nextChange);
    const visibleSize = this.#visible.size;
    let kept = 0;
    let lost = 0;
    // Changes before the cut survive whole; the one at the cut may be torn.
    const cut = policy === "all" ? changes.length : policy === "prefix" ? random.integer(0, changes.length) : 0;
    for (const [index, change] of changes.entries()) {
      const isTorn = policy === "subset" || (policy === "prefix" && index === cut);
      const pieces = isTorn ? sectorsOf(change) : [change];
      const whole = index < cut ? pieces.length : isTorn && policy === "prefix" ? random.integer(0, pieces.length) : 0;
      for (const [number, piece] of pieces.entries()) {
        if (policy === "subset" ? random.next() < 0.5 : number < whole) {
          kept++;
          apply(this.#durable, piece);
        } else lost++;
      }
    }
    // The size is a matter of its own on many file systems: it may be there without the bytes, which read as zeros.
    if (policy === "subset" && lost > 0 && this.#durable.size < visibleSize && random.next() < 0.25) {
      this.#durable.truncate(visibleSize);
    }
    this.#visible = this.#durable.clone();
    return { lost: lost > 0, torn: lost > 0 && kept > 0 };
  }

  #take(end: number): Change[] {
    const taken = this.#changes.splice(0, Math.max(0, end - this.#firstChange));
    this.#firstChange += taken.length;
    return taken;
  }
}

function apply(content: SparseBytes, change: Change): void {
  if (change.kind === "truncate") content.truncate(change.size);
  else content.write(change.offset, change.bytes);
}

/** A write cut at the borders of sectors; a truncation is one piece. */
function sectorsOf(change: Change): Change[] {
  if (change.kind === "truncate") return [change];
  const { offset, bytes } = change;
  const pieces: Change[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + sectorBytes - ((offset + at) % sectorBytes));
    pieces.push({ kind: "write", offset: offset + at, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return pieces;
}
