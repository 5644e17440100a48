import { HoldfastError } from "../../errors/base.ts";
import type { Coordination, ResponseHeader } from "../coordination.ts";
import type { KeyValue, RangeRequest, RequestOp } from "../key-value/key-value.ts";
import { RecipeError, type RecipeErrorCode } from "./recipe-error.ts";
import type { Session } from "./session.ts";
import { isOutcomeUnknown, unlessAborted, untilAnswered } from "./until-answered.ts";

/**
 * The line that holders of one name stand in, as in etcd's own recipes: each puts a key below the name, with its
 * lease, and the one that was created first is in front. Whoever waits looks at the key before its own alone, so
 * that one who leaves wakes one.
 */
export interface Line {
  readonly session: Session;
  /** What the keys of the line begin with: its name and a slash. */
  readonly prefix: Uint8Array;
  /** What it means when the own key is gone. */
  readonly lostCode: RecipeErrorCode;
}

/** One place in a line. */
export interface Place {
  readonly key: Uint8Array;
  /** Later places have greater ones: a fencing token. */
  readonly createRevision: number;
  /** As of when it was seen. */
  readonly header: ResponseHeader;
}

/** A place just entered, or found. */
interface Entry extends Place {
  readonly isFront: boolean;
  /** The own pair as it was there already. */
  readonly found?: KeyValue;
}

const encoder = new TextEncoder();
const noBytes = new Uint8Array(0);

/** A request that timed out has been applied after so long, or never will be. */
const settledMs = 5_000;

export function lineOf(session: Session, name: string, lostCode: RecipeErrorCode): Line {
  return { session, prefix: encoder.encode(`${name}/`), lostCode };
}

/** All keys that begin so. */
export function prefixRange(prefix: Uint8Array): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
  for (let at = prefix.length - 1; at >= 0; at--) {
    if (prefix[at] === 0xff) continue;
    const rangeEnd = prefix.slice(0, at + 1);
    rangeEnd[at]! += 1;
    return { key: prefix, rangeEnd };
  }
  return { key: prefix.length === 0 ? Uint8Array.of(0) : prefix, rangeEnd: Uint8Array.of(0) };
}

export function joinKey(prefix: Uint8Array, rest: string): Uint8Array {
  const end = encoder.encode(rest);
  const key = new Uint8Array(prefix.length + end.length);
  key.set(prefix);
  key.set(end, prefix.length);
  return key;
}

/**
 * Enters the line, waits until everybody in front has left, and is in front then for certain: its own key was seen at
 * a moment when no older one was there, and its lease was alive after that. Whoever gives up leaves the line.
 *
 * @param onFound called, before it waits, with the own pair when that was there already, from an earlier try
 * @throws RecipeError with the line's code, SESSION_LOST; the signal's reason; what a request is refused with
 */
export async function takeTurn(
  line: Line,
  key: Uint8Array,
  value: Uint8Array,
  signal: AbortSignal,
  onFound?: (pair: KeyValue) => Promise<void>,
): Promise<Place> {
  const { session } = line;
  const entry = await enter(line, key, value, signal);
  try {
    if (entry.found !== undefined) await onFound?.(entry.found);
    const place = entry.isFront ? entry : await untilFront(line, entry, signal);
    await session.untilHeld(signal);
    return place;
  } catch (error) {
    leaveLater(session, key, undefined);
    throw error;
  }
}

/** Enters only if nobody is in the line. */
export async function takeIfFree(line: Line, key: Uint8Array, signal: AbortSignal): Promise<Place | undefined> {
  const { coordination, leaseId } = line.session;
  const place = await entering(line.session, key, signal, () =>
    coordination.txn({
      // Of a range it holds for every key: there is none.
      compare: [{ ...prefixRange(line.prefix), target: "create", result: "equal", operand: 0 }],
      success: [{ type: "put", request: { key, value: noBytes, lease: leaseId } }],
      failure: [{ type: "range", request: { key } }],
    }),
  );
  if (place === undefined) return undefined;
  try {
    await line.session.untilHeld(signal);
  } catch (error) {
    leaveLater(line.session, key, undefined);
    throw error;
  }
  return place;
}

/** Puts the key, or finds it there; and looks who is in front, so that a line without others takes one request. */
async function enter(
  { session, prefix }: Line,
  key: Uint8Array,
  value: Uint8Array,
  signal: AbortSignal,
): Promise<Entry> {
  const { coordination, leaseId } = session;
  const front: RequestOp = { type: "range", request: { ...oldestOf(prefix), keysOnly: true } };
  const entry = await entering(session, key, signal, () =>
    coordination.txn({
      compare: [{ key, target: "create", result: "equal", operand: 0 }],
      success: [{ type: "put", request: { key, value, lease: leaseId } }, front],
      failure: [{ type: "range", request: { key } }, front],
    }),
  );
  // The transaction either puts the key or finds it.
  return entry!;
}

/** The one in front. */
export function oldestOf(prefix: Uint8Array): RangeRequest {
  return { ...prefixRange(prefix), sortTarget: "create", sortOrder: "ascend", limit: 1 };
}

/**
 * Repeated, the transaction finds what it has put before. When the caller gives up, one that is under way is not cut
 * off: the key can be taken back for certain only after it has been answered.
 */
async function entering(
  session: Session,
  key: Uint8Array,
  signal: AbortSignal,
  txn: () => ReturnType<Coordination["txn"]>,
): Promise<Entry | undefined> {
  const { clock, random } = session;
  let latest: Promise<unknown> | undefined;
  try {
    const answer = await untilAnswered({ clock, random, signal }, () => {
      const asked = txn();
      latest = asked;
      return unlessAborted(asked, signal);
    });
    const { header } = answer;
    const [own, front] = answer.responses.map((step) => (step.type === "range" ? step.response.pairs[0] : undefined));
    const isFront = front !== undefined && sameBytes(front.key, key);
    if (answer.succeeded) return { key, createRevision: header.revision, header, isFront };
    return own && { key, createRevision: own.createRevision, header, isFront, found: own };
  } catch (error) {
    leaveLater(session, key, latest);
    if (HoldfastError.is(error) && error.code === "LEASE_NOT_FOUND") {
      throw new RecipeError("SESSION_LOST", { cause: error });
    }
    throw error;
  }
}

/** Until no older key is in the line. */
async function untilFront(line: Line, { key, createRevision }: Place, signal: AbortSignal): Promise<Place> {
  const { clock, random, coordination } = line.session;
  for (;;) {
    const { pairs, header } = await untilAnswered({ clock, random, signal }, () =>
      coordination.range(upTo(line.prefix, createRevision), { signal }),
    );
    const [own, ahead] = pairs;
    if (own?.createRevision !== createRevision || !sameBytes(own.key, key)) throw new RecipeError(line.lostCode);
    if (ahead === undefined) return { key, createRevision, header };
    await untilAnswered({ clock, random, signal }, () =>
      untilDeleted(coordination, ahead, header.revision + 1, signal),
    );
  }
}

/** The newest two that are not younger: the own one, and the one before it. */
function upTo(prefix: Uint8Array, createRevision: number): RangeRequest {
  return {
    ...prefixRange(prefix),
    maxCreateRevision: createRevision,
    sortTarget: "create",
    sortOrder: "descend",
    limit: 2,
    keysOnly: true,
  };
}

/** Also when the watch has ended without a word of it: whoever waits looks again. */
async function untilDeleted(
  coordination: Coordination,
  { key }: KeyValue,
  startRevision: number,
  signal: AbortSignal,
): Promise<void> {
  // A member that is cut off would tell nothing.
  const watcher = await coordination.watch({ key, startRevision, noPut: true }, { signal, requireLeader: true });
  // Leaving the loop closes the watcher.
  for await (const { events, canceled } of watcher) if (canceled === true || events.length > 0) return;
}

/** What is being taken back of each session. */
const leaving = new WeakMap<Session, Set<Promise<void>>>();

/** Takes the key back in the background, however long that takes, unless the session ends and takes it along. */
export function leaveLater(session: Session, key: Uint8Array, entering: Promise<unknown> | undefined): void {
  const { signal } = session;
  const work = (async () => {
    let unknown = false;
    await entering?.catch((error: unknown) => (unknown = isOutcomeUnknown(error)));
    await leave(session, key, signal);
    if (!unknown) return;
    await session.clock.sleep(settledMs, { signal });
    await leave(session, key, signal);
  })().catch(() => undefined);
  const all = leaving.get(session) ?? new Set();
  leaving.set(session, all.add(work));
  void work.then(() => all.delete(work));
}

/** Until nothing is left of those who have given up. */
export async function untilLeft(session: Session): Promise<void> {
  for (const work of leaving.get(session) ?? []) await work;
}

export async function leave(session: Session, key: Uint8Array, signal: AbortSignal): Promise<void> {
  const { clock, random, coordination } = session;
  await untilAnswered({ clock, random, signal }, () => coordination.deleteRange({ key }));
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}
