import { ErrorShape } from "./error-shape.ts";
import type { ErrorKind } from "./holdfast-error.ts";
import { highMultiplier, lowMultiplier, MessagePattern } from "./message-pattern.ts";
import { ownFrame } from "./own-frame.ts";

/** What an error is grouped by. */
export interface ErrorIdentity {
  readonly kind: ErrorKind;
  readonly code: string;
  /** Empty when it is not known. */
  readonly operation: string;
  /** As it was thrown; its pattern is what counts. */
  readonly message: string;
  /** The program's own topmost frame, as `ownFrame` tells it; empty for none. */
  readonly frame: string;
}

/** A number below 2^53: 53 bits of two hashes. One wrong pair is expected among a hundred million groups. */
export type FingerprintKey = number;

const pattern = new MessagePattern();

/** The key of an error's group: two hashes, with the step of FNV-1a over UTF-16 units and different multipliers, mixed. */
export function fingerprintKey({ kind, code, operation, message, frame }: ErrorIdentity): FingerprintKey {
  names.read(kind, code, operation, frame);
  pattern.scan(message);
  pattern.hash(names);
  return (mixed(pattern.high) & 0x1fffff) * 0x100000000 + mixed(pattern.low);
}

/** The key as people see it: 14 hexadecimal digits. */
export function fingerprintText(key: FingerprintKey): string {
  return key.toString(16).padStart(14, "0");
}

/** The pattern of a message: what all messages of its group look like. */
export function messagePattern(message: string): string {
  return pattern.scan(message).toString();
}

/**
 * A stable name for all errors that are the same but for numbers, ids, hexadecimal numbers, UUIDs and quoted texts in the
 * message: of kind, code, operation, the message's pattern and the program's topmost own frame.
 *
 * @param error a failure, or anything with `kind`, `code`, `operation`, `message`, `stack`
 * @example
 * fingerprint(classify(new Error("user 17 not found"))) === fingerprint(classify(new Error("user 18 not found"))); // true
 */
export function fingerprint(error: unknown, operation?: string): string {
  const shape = new ErrorShape(error);
  return fingerprintText(
    fingerprintKey({
      kind: (shape.text("kind") ?? "system") as ErrorKind,
      code: shape.text("code") ?? "",
      operation: operation ?? shape.text("operation") ?? "",
      message: shape.message,
      frame: readFrame(shape),
    }),
  );
}

function readFrame(shape: ErrorShape): string {
  const stackOf = (of: ErrorShape): string | undefined => {
    const stack = of.get("stack");
    return typeof stack === "string" ? stack : undefined;
  };
  return ownFrame(stackOf(shape.child("cause")) ?? stackOf(shape));
}

/** Of what the error was made of, else of itself: `classify` makes a failure far from where things went wrong. */
export function frameOf(error: object): string {
  const { cause, stack } = error as { readonly cause?: unknown; readonly stack?: unknown };
  if (typeof cause === "object" && cause !== null) {
    const inner = (cause as { readonly stack?: unknown }).stack;
    if (typeof inner === "string") return ownFrame(inner);
  }
  return typeof stack === "string" ? ownFrame(stack) : "";
}

/** The hashes of what is the same for most errors that follow each other, so that it is hashed once. */
class Names {
  low = 0;
  high = 0;
  #kind = "";
  #code = "";
  #operation = "";
  #frame = "";
  #isRead = false;

  read(kind: string, code: string, operation: string, frame: string): void {
    const isSame = kind === this.#kind && code === this.#code && operation === this.#operation && frame === this.#frame;
    if (isSame && this.#isRead) return;
    this.#isRead = true;
    this.low = 0x811c9dc5;
    this.high = 0x01000193;
    this.#add((this.#kind = kind));
    this.#add((this.#code = code));
    this.#add((this.#operation = operation));
    this.#add((this.#frame = frame));
  }

  #add(part: string): void {
    let { low, high } = this;
    for (let at = 0; at < part.length; at++) {
      const unit = part.charCodeAt(at);
      low = Math.imul(low ^ unit, lowMultiplier);
      high = Math.imul(high ^ unit, highMultiplier);
    }
    // Parts end: "ab" and "c" are not "a" and "bc".
    this.low = Math.imul(low ^ 0x1ffff, lowMultiplier);
    this.high = Math.imul(high ^ 0x1ffff, highMultiplier);
  }
}

const names = new Names();

/** The finalizer of MurmurHash3, so that all bits depend on all others. */
function mixed(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
