import * as fc from "fast-check";
import { expect, it } from "vitest";
import { VirtualClock } from "../../testing/index.ts";
import { encodeCommand } from "../key-value/command-codec.ts";
import type { CommandOperation } from "../key-value/command.ts";
import { createKeyValueStateMachine, type KeyValueStateMachine } from "../key-value/key-value-state-machine.ts";
import type { KeyValue } from "../key-value/key-value.ts";
import { WatchHub } from "./watch-hub.ts";
import { defaultWatchLimits } from "./watch-limits.ts";
import type { Watcher, WatchEvent, WatchRequest, WatchResponse } from "./watch.ts";

/**
 * Watchers of a member that follows another one, sometimes slowly and sometimes by a snapshot, against a plain list of
 * everything that ever changed.
 */
interface Change {
  readonly revision: number;
  readonly type: "put" | "delete";
  readonly key: string;
  readonly value: string;
  readonly version: number;
  readonly createRevision: number;
  readonly previous: string | undefined;
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (from: Uint8Array): string => String.fromCharCode(...from);

class Ledger {
  readonly changes: Change[] = [];
  readonly #pairs = new Map<string, { value: string; version: number; createRevision: number }>();
  revision = 1;

  keysIn(from: string, to: string): string[] {
    return [...this.#pairs.keys()].filter((key) => key >= from && key < to).sort();
  }

  write(changes: readonly (readonly [key: string, value: string | undefined])[]): void {
    const revision = this.revision + 1;
    for (const [key, value] of changes) {
      const before = this.#pairs.get(key);
      if (value === undefined && before === undefined) continue;
      this.revision = revision;
      const previous = before?.value;
      if (value === undefined) {
        this.#pairs.delete(key);
        this.changes.push({ revision, type: "delete", key, value: "", version: 0, createRevision: 0, previous });
        continue;
      }
      const { createRevision, version } = before ?? { createRevision: revision, version: 0 };
      const pair = { value, version: version + 1, createRevision };
      this.#pairs.set(key, pair);
      this.changes.push({ revision, type: "put", key, ...pair, previous });
    }
  }
}

interface Watched {
  readonly watcher: Watcher;
  readonly request: WatchRequest;
  readonly startRevision: number;
  readonly matches: (change: Change) => boolean;
  readonly responses: WatchResponse[];
  pulling: boolean;
  over: boolean;
}

const key = fc.integer({ min: 0, max: 7 }).map((number) => String.fromCharCode(97 + number));
const value = fc.string({ maxLength: 3, unit: "binary-ascii" });
const bounds = fc
  .tuple(key, key)
  .map(([left, right]): [string, string] => (left < right ? [left, right] : [right, `${left}\0`]));
const of = <T extends string, R extends object>(type: T, fields: { [K in keyof R]: fc.Arbitrary<R[K]> }) =>
  fc.record({ type: fc.constant(type), ...fields }) as fc.Arbitrary<{ type: T } & R>;

const step = fc.oneof(
  { weight: 10, arbitrary: of("put", { key, value }) },
  { weight: 2, arbitrary: of("deleteRange", { bounds }) },
  {
    weight: 3,
    arbitrary: of("txn", {
      puts: fc.uniqueArray(fc.tuple(key, value), { maxLength: 4, selector: ([key]) => key }),
      // To the end of all keys: the one delete that may go before puts of the same keys.
      deletedFrom: fc.option(key, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: of("compact", { back: fc.integer({ min: 0, max: 12 }) }) },
  {
    weight: 4,
    arbitrary: of("watch", {
      bounds,
      shape: fc.constantFrom("single", "range", "rest"),
      back: fc.integer({ min: -4, max: 15 }),
      now: fc.boolean(),
      noPut: fc.boolean(),
      noDelete: fc.boolean(),
      previousPairs: fc.boolean(),
      fragment: fc.boolean(),
      maxBytes: fc.constantFrom(1, 150, 400, 100_000),
    }),
  },
  { weight: 10, arbitrary: of("pull", { which: fc.nat() }) },
  { weight: 5, arbitrary: of("apply", { count: fc.integer({ min: 1, max: 10 }) }) },
  { weight: 1, arbitrary: of("install", {}) },
  { weight: 1, arbitrary: of("close", { which: fc.nat() }) },
  { weight: 6, arbitrary: of("settle", {}) },
);

/** What is known of an event as a change; the pair before it is looked at apart. */
function changeOf({ type, pair }: WatchEvent): Omit<Change, "previous"> {
  const { modRevision, version, createRevision }: KeyValue = pair;
  return { revision: modRevision, type, key: text(pair.key), value: text(pair.value), version, createRevision };
}

function withoutPrevious({ previous: _previous, ...change }: Change): Omit<Change, "previous"> {
  return change;
}

const seen = { compacted: 0, whole: 0, fragments: 0, installs: 0, previous: 0 };

function check({ request, responses, startRevision, matches }: Watched, ledger: Ledger, member: KeyValueStateMachine) {
  const expected = ledger.changes.filter((change) => change.revision >= startRevision && matches(change));
  const told = responses.flatMap(({ events }) => events);
  const last = responses.at(-1);
  const plain = expected.map(withoutPrevious);
  if (last?.canceled === true) {
    seen.compacted++;
    expect(last).toMatchObject({ cancelReason: "COMPACTED", events: [] });
    expect(last.compactRevision).toBeLessThanOrEqual(member.compactedRevision);
    expect(last.compactRevision).toBeGreaterThan(told.at(-1)?.pair.modRevision ?? startRevision);
    expect(told.map(changeOf)).toEqual(plain.slice(0, told.length));
    expect(plain[told.length]?.revision ?? Infinity).toBeGreaterThan(told.at(-1)?.pair.modRevision ?? 0);
  } else {
    seen.whole++;
    expect(told.map(changeOf)).toEqual(plain);
  }
  for (const [at, event] of told.entries()) {
    const { previous, revision, type, version } = expected[at]!;
    const fresh = type === "put" && version === 1;
    if (request.previousPairs !== true || fresh) expect(event.previousPair).toBeUndefined();
    else if (event.previousPair !== undefined) {
      seen.previous++;
      expect(text(event.previousPair.value)).toBe(previous);
      expect(event.previousPair.modRevision).toBeLessThan(revision);
    } else expect(revision - 1).toBeLessThan(member.compactedRevision);
  }
  checkAtomic(responses, request);
}

/** A revision is in one response, or in fragments that follow each other. */
function checkAtomic(responses: readonly WatchResponse[], request: WatchRequest): void {
  let before = 0;
  let open: number | undefined;
  for (const { events, fragment, header, canceled } of responses) {
    if (canceled === true) continue;
    expect(events.length).toBeGreaterThan(0);
    expect(header.revision).toBe(events.at(-1)!.pair.modRevision);
    const first = events[0]!.pair.modRevision;
    if (open === undefined) expect(first).toBeGreaterThan(before);
    else expect(first).toBe(open);
    before = header.revision;
    open = fragment === true ? before : undefined;
    if (fragment === true) {
      seen.fragments++;
      expect(request.fragment).toBe(true);
      expect(first).toBe(before);
    }
  }
  expect(open).toBeUndefined();
}

it("tells every watcher what changed in its range from its start on: all of it, once, in order, whole revisions", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 200, size: "max" }), async (steps) => {
      const clock = new VirtualClock();
      const ledger = new Ledger();
      const leader = createKeyValueStateMachine();
      const member = createKeyValueStateMachine();
      const log: Uint8Array[] = [];
      let applied = 0;
      const hub = new WatchHub({
        watched: member,
        clock,
        header: (revision) => ({ clusterId: 1n, memberId: 1n, revision, term: 1 }),
        hasLeader: () => true,
        leaderlessMs: 0,
        limits: defaultWatchLimits,
        tuning: { queue: { events: 5, bytes: 1500 }, slice: { events: 3, changes: 6 }, turnCost: 10 },
      });
      const watched: Watched[] = [];
      const run = (operation: CommandOperation): void => {
        log.push(encodeCommand({ operation }));
        leader.apply({ index: log.length, term: 1, kind: "command", data: log.at(-1)! });
      };
      const apply = (count: number): void => {
        for (let end = Math.min(log.length, applied + count); applied < end; applied++) {
          member.apply({ index: applied + 1, term: 1, kind: "command", data: log[applied]! });
        }
      };
      const pull = async (one: Watched | undefined): Promise<void> => {
        if (one === undefined || one.pulling || one.over) return;
        one.pulling = true;
        const { done, value } = await one.watcher.next();
        one.pulling = false;
        if (done === true || value.canceled === true) one.over = true;
        if (done !== true) one.responses.push(value);
      };
      for (const step of steps) {
        if (step.type === "put") {
          ledger.write([[step.key, step.value]]);
          run({ type: "put", request: { key: bytes(step.key), value: bytes(step.value) } });
        } else if (step.type === "deleteRange") {
          const [from, to] = step.bounds;
          ledger.write(ledger.keysIn(from, to).map((key) => [key, undefined]));
          run({ type: "deleteRange", request: { key: bytes(from), rangeEnd: bytes(to) } });
        } else if (step.type === "txn") {
          const { puts, deletedFrom } = step;
          const doomed = deletedFrom === undefined ? [] : ledger.keysIn(deletedFrom, "\xff");
          ledger.write([...doomed.map((key) => [key, undefined] as const), ...puts]);
          const success = puts.map(
            ([key, value]) => ({ type: "put", request: { key: bytes(key), value: bytes(value) } }) as const,
          );
          const request = { key: bytes(deletedFrom ?? ""), rangeEnd: new Uint8Array(1) };
          const deletes = deletedFrom === undefined ? [] : [{ type: "deleteRange", request } as const];
          run({ type: "txn", request: { compare: [], success: [...deletes, ...success], failure: [] } });
        } else if (step.type === "compact") {
          run({ type: "compact", request: { revision: Math.max(1, ledger.revision - step.back) } });
        } else if (step.type === "watch") {
          const [from, to] = step.bounds;
          const { shape, noPut, noDelete, previousPairs, fragment, maxBytes } = step;
          const startRevision = step.now ? 0 : Math.max(1, member.revision - step.back);
          const end = { single: {}, range: { rangeEnd: bytes(to) }, rest: { rangeEnd: new Uint8Array(1) } }[shape];
          const request = { key: bytes(from), ...end, noPut, noDelete, previousPairs, fragment, maxBytes };
          const watcher = hub.watch({ ...request, startRevision });
          expect(watcher.startRevision).toBe(step.now ? member.revision + 1 : startRevision);
          expect(watcher.header.revision).toBe(member.revision);
          const inRange = (key: string): boolean =>
            shape === "single" ? key === from : key >= from && (shape === "rest" || key < to);
          watched.push({
            watcher,
            request,
            startRevision: watcher.startRevision,
            matches: ({ type, key }) => inRange(key) && !(type === "put" ? noPut : noDelete),
            responses: [],
            pulling: false,
            over: false,
          });
        } else if (step.type === "pull") {
          void pull(watched[step.which % Math.max(1, watched.length)]);
        } else if (step.type === "apply") {
          apply(step.count);
        } else if (step.type === "install") {
          const source = leader.snapshot();
          const chunks: Uint8Array[] = [];
          for (let chunk = source.next(); chunk !== undefined; chunk = source.next()) chunks.push(chunk);
          source.release();
          if (applied < log.length && hub.size > 0) seen.installs++;
          member.restore(chunks);
          applied = log.length;
        } else if (step.type === "close") {
          const [one] = watched.splice(step.which % Math.max(1, watched.length), 1);
          await one?.watcher.close();
          if (one !== undefined) expect(await one.watcher.next()).toEqual({ value: undefined, done: true });
        } else {
          await clock.advance(0);
        }
        // However slow they are, what waits for them is bounded.
        expect(hub.queued).toBeLessThanOrEqual(5 * new Set(watched.map(({ request }) => JSON.stringify(request))).size);
      }
      apply(log.length);
      expect(member.stateHash).toBe(leader.stateHash);
      for (let idle = 0; idle < 2;) {
        const before = watched.reduce((sum, { responses }) => sum + responses.length, 0);
        for (const one of watched) void pull(one);
        await clock.advance(0);
        idle = watched.reduce((sum, { responses }) => sum + responses.length, 0) === before ? idle + 1 : 0;
      }
      for (const one of watched) check(one, ledger, member);
      expect(hub.queued).toBe(0);
      hub.close();
      expect(hub.size).toBe(0);
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 150 },
  );
  // The runs have met what they are about.
  for (const [what, count] of Object.entries(seen)) expect([what, count > 10]).toEqual([what, true]);
}, 60_000);
