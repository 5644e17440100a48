import {
  election,
  followRange,
  openSession,
  type Coordination,
  type FollowOptions,
  type Leadership,
} from "../../coordination/index.ts";
import { RecoveryEngine, type EngineParts } from "./recovery-engine.ts";
import { RecoveryError } from "./recovery-error.ts";
import type { RecoverySettings } from "./recovery-options.ts";
import { decodeRequest, type RecoveryStore } from "./recovery-store.ts";

export interface TenureParts {
  readonly settings: RecoverySettings;
  readonly coordination: Coordination;
  readonly store: RecoveryStore;
  readonly tell: EngineParts["tell"];
  readonly onEngine: (engine: RecoveryEngine | undefined) => void;
  readonly signal: AbortSignal;
}

/**
 * Waits to lead, goes on with what is recorded, and recovers until the leadership is over, or may be.
 *
 * @throws the signal's reason; what keeps it from its work
 */
export async function serveTenure(parts: TenureParts): Promise<void> {
  const { settings, coordination, store, signal, onEngine } = parts;
  const { clock, random, name, prefix, ttlSeconds } = settings;
  const session = await openSession(coordination, { ttlSeconds, clock, random, signal });
  try {
    const leadership = await election(session, `${prefix}leader`).campaign(name, { signal });
    const lost = new AbortController();
    const over = AbortSignal.any([leadership.signal, signal, lost.signal]);
    const engine = new RecoveryEngine({
      settings,
      state: await store.load(over),
      fencingToken: leadership.token,
      record: (transition, messages) => store.record(leadership, engine.state, transition, messages, over),
      tell: parts.tell,
      onLost: (error) => lost.abort(error),
    });
    try {
      onEngine(engine);
      engine.feed({ type: "resumed", by: name });
      await followRequests(coordination, store, engine, { clock, random, signal: over });
    } finally {
      onEngine(undefined);
      await engine.close(new RecoveryError(signal.aborted ? "RECOVERY_CLOSED" : "RECOVERY_HANDED_OVER"));
      await giveUp(leadership, signal);
    }
  } finally {
    // What it held is given back at once, if the store can be reached.
    const closed = session.close();
    if (signal.aborted) await closed;
  }
}

async function giveUp(leadership: Leadership, signal: AbortSignal): Promise<void> {
  if (signal.aborted && leadership.held) await leadership.resign({ timeoutMs: 1_000 }).catch(() => undefined);
}

/** Feeds every request once, in order: those that lie there, then every new one. Ends with the signal. */
async function followRequests(
  coordination: Coordination,
  { requests }: RecoveryStore,
  engine: RecoveryEngine,
  options: FollowOptions,
): Promise<never> {
  const take = (key: Uint8Array, value: Uint8Array, modRevision: number): void => {
    // One that nobody can read is removed with a tick, which does nothing.
    engine.feed(decodeRequest(value) ?? { type: "tick" }, { key, modRevision });
  };
  let taken = 0;
  for await (const step of followRange(coordination, requests, { ...options, stoppedMs: Infinity })) {
    const put =
      step.type === "state"
        ? step.pairs.toSorted((one, other) => one.modRevision - other.modRevision)
        : step.events.filter(({ type }) => type === "put").map(({ pair }) => pair);
    for (const { key, value, modRevision } of put) if (modRevision > taken) take(key, value, modRevision);
    taken = Math.max(taken, step.revision);
  }
  throw new Error("what follows a range has no end of its own");
}
