import * as fc from "fast-check";
import { expect, it } from "vitest";
import { CoordinationError } from "../coordination-error.ts";
import { createKeyValueStateMachine } from "./key-value-state-machine.ts";
import { KeyValueStore } from "./key-value-store.ts";
import { encodeCommand } from "./command-codec.ts";
import type { KeyValue, RangeRequest, TxnRequest } from "./key-value.ts";
import type { CommandOperation } from "./command.ts";

/**
 * The store against the plainest model there is: an array of whole states, one for each revision. Besides the store
 * itself, a state machine goes through the same writes by way of commands, is snapshotted and restored at random, and
 * must end in the same place.
 */
interface Pair {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

type State = ReadonlyMap<string, Pair>;

class Model {
  /** By revision; those compacted are gone. */
  readonly states: (State | undefined)[] = [undefined, new Map()];
  compactedRevision = -1;

  get revision(): number {
    return this.states.length - 1;
  }

  write(changes: readonly (readonly [key: string, value: string | undefined])[]): void {
    const next = new Map(this.states.at(-1));
    let changed = false;
    for (const [key, value] of changes) {
      const before = next.get(key);
      if (value === undefined) {
        changed = next.delete(key) || changed;
        continue;
      }
      changed = true;
      const { createRevision, version } = before ?? { createRevision: this.states.length, version: 0 };
      next.set(key, { key, value, createRevision, modRevision: this.states.length, version: version + 1 });
    }
    if (changed) this.states.push(next);
  }

  compact(revision: number): string {
    if (revision <= this.compactedRevision) return "COMPACTED";
    if (revision > this.revision) return "FUTURE_REVISION";
    this.compactedRevision = revision;
    this.states.fill(undefined, 0, revision);
    return "ok";
  }

  read(from: string, to: string, revision: number): Pair[] | string {
    if (revision > this.revision) return "FUTURE_REVISION";
    const state = this.states[revision === 0 ? this.revision : revision];
    if (state === undefined) return "COMPACTED";
    return [...state.values()]
      .filter(({ key }) => key >= from && key < to)
      .sort((left, right) => (left.key < right.key ? -1 : 1));
  }
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

function pairOf(pair: KeyValue): Pair {
  const { createRevision, modRevision, version } = pair;
  const [key, value] = [String.fromCharCode(...pair.key), String.fromCharCode(...pair.value)];
  return { key, value, createRevision, modRevision, version };
}

function codeOr<T>(run: () => T): T | string {
  try {
    return run();
  } catch (error) {
    if (error instanceof CoordinationError) return error.code;
    throw error;
  }
}

const key = fc
  .integer({ min: 0, max: 149 })
  .map((number) => String.fromCharCode(97 + (number % 26), 97 + (number % 5)));
const value = fc.string({ maxLength: 4, unit: "binary-ascii" });
const bounds = fc
  .tuple(key, key)
  .map(([left, right]): [string, string] => (left < right ? [left, right] : [right, left]));
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("put" as const), key, value }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("deleteRange" as const), bounds }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("txn" as const),
      puts: fc.uniqueArray(fc.tuple(key, value), { maxLength: 4, selector: ([key]) => key }),
      removed: key,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("compact" as const), back: fc.integer({ min: -1, max: 20 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("restore" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("range" as const),
      bounds,
      back: fc.integer({ min: -1, max: 25 }),
      limit: fc.integer({ min: 0, max: 5 }),
      descend: fc.boolean(),
    }),
  },
);

it("equals an array of whole states, and so does what snapshots carry on", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
      const model = new Model();
      const store = new KeyValueStore();
      let machine = createKeyValueStateMachine();
      let index = 0;
      const run = (operation: CommandOperation): void => {
        index++;
        machine.apply({ index, term: 1, kind: "command", data: encodeCommand({ operation }) });
      };
      const expectRead = (request: RangeRequest, [from, to]: readonly [string, string]): void => {
        const expected = model.read(from, to, request.revision ?? 0);
        for (const reader of [store, machine]) {
          const actual = codeOr(() => reader.range(request));
          if (typeof expected === "string" || typeof actual === "string") {
            expect(actual).toBe(expected);
            continue;
          }
          const ordered = request.sortOrder === "descend" ? expected.toReversed() : expected;
          const limit = request.limit === 0 || request.limit === undefined ? Infinity : request.limit;
          expect(actual.pairs.map(pairOf)).toEqual(ordered.slice(0, limit));
          expect(actual.count).toBe(expected.length);
          expect(actual.more).toBe(expected.length > limit);
        }
      };
      for (const step of steps) {
        if (step.type === "put") {
          const request = { key: bytes(step.key), value: bytes(step.value) };
          model.write([[step.key, step.value]]);
          store.put(request);
          run({ type: "put", request });
        } else if (step.type === "deleteRange") {
          const [from, to] = step.bounds;
          const doomed = model.read(from, to, 0) as Pair[];
          const request = { key: bytes(from), rangeEnd: bytes(to) };
          model.write(doomed.map(({ key }) => [key, undefined]));
          expect(store.deleteRange(request).deleted).toBe(doomed.length);
          run({ type: "deleteRange", request });
        } else if (step.type === "txn") {
          const puts = step.puts.filter(([key]) => key !== step.removed);
          const request: TxnRequest = {
            compare: [],
            success: [
              ...puts.map(
                ([key, value]) => ({ type: "put", request: { key: bytes(key), value: bytes(value) } }) as const,
              ),
              { type: "deleteRange", request: { key: bytes(step.removed) } },
            ],
            failure: [],
          };
          model.write([...puts, [step.removed, undefined]]);
          store.txn(request);
          run({ type: "txn", request });
        } else if (step.type === "compact") {
          const request = { revision: model.revision - step.back };
          const expected = model.compact(request.revision);
          expect(codeOr(() => store.compact(request) && "ok")).toBe(expected);
          run({ type: "compact", request });
        } else if (step.type === "restore") {
          const source = machine.snapshot();
          const chunks: Uint8Array[] = [];
          for (let chunk = source.next(); chunk !== undefined; chunk = source.next()) chunks.push(chunk);
          source.release();
          machine = createKeyValueStateMachine();
          machine.restore(chunks);
        } else {
          const [from, to] = step.bounds;
          const revision = step.back > 20 ? 0 : model.revision - step.back;
          const request = {
            key: bytes(from),
            rangeEnd: bytes(to),
            limit: step.limit,
            revision: Math.max(0, revision),
            ...(step.descend ? { sortOrder: "descend" as const } : {}),
          };
          expectRead(request, step.bounds);
        }
        expect([store.revision, machine.revision]).toEqual([model.revision, model.revision]);
      }
      for (let revision = 1; revision <= model.revision; revision++) {
        expectRead({ key: bytes("\0"), rangeEnd: bytes("\xff"), revision }, ["\0", "\xff"]);
      }
      while (store.sweep(1000)) continue;
      while (machine.sweep(1000)) continue;
      expect(machine.storeBytes).toBe(store.bytes);
    }),
    { numRuns: 60 },
  );
});
