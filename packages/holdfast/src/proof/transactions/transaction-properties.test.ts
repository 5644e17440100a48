import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import type { HistoryEvent } from "../history.ts";
import { checkTransactions } from "./check-transactions.ts";
import type { AnomalyName, IsolationLevel } from "./isolation-level.ts";
import type { MicroOperation, Step, TransactionKind } from "./micro-operation.ts";
import { recordedTransactions, type RecordedTransaction } from "./recorded-transaction.ts";

interface Version {
  readonly time: number;
  readonly list: readonly number[];
}

/** What a store does wrong, one transaction in four. */
type Bug =
  | "aborted read"
  | "intermediate read"
  | "lost update"
  | "half a snapshot"
  | "stale snapshot"
  | "own write lost"
  | "doubled";

interface StoreOptions {
  readonly kind: TransactionKind;
  readonly isolation: "serializable" | "snapshot-isolation" | "read-committed";
  readonly bug?: Bug;
  readonly transactions: number;
  readonly keys?: number;
  readonly seed: number;
}

/** A transaction under way in the store. */
interface Open {
  readonly steps: readonly (readonly [f: "append" | "w" | "r", key: string, value: number])[];
  readonly done: MicroOperation[];
  readonly start: number;
  /** When it was called, which is its start unless the snapshot is stale. */
  readonly asked: number;
  readonly own: Map<string, number[]>;
  readonly seen: Map<string, number>;
  readonly buggy: boolean;
}

/**
 * A store of versions, run by eight processes one micro-operation at a time in a drawn order: snapshots, first committer
 * wins, and for `serializable` nothing that was read may have changed at the commit. Some outcomes are lost.
 */
function runStore({ kind, isolation, bug, transactions, keys = 4, seed }: StoreOptions): {
  readonly history: HistoryEvent[];
  readonly bugs: number;
} {
  const random = seededRandom(seed);
  const versions = new Map<string, Version[]>();
  const dirty = new Map<string, number[]>();
  const history: HistoryEvent[] = [];
  const open = new Map<number, Open>();
  const processes = Array.from({ length: 8 }, (_, i) => i);
  let nextProcess = processes.length;
  let time = 0;
  let begun = 0;
  let bugs = 0;
  let value = 0;
  const event = (process: number, type: HistoryEvent["type"], of: unknown): void => {
    history.push({ process, type, f: "txn", value: of, timeNs: ++time });
  };
  const versionAt = (key: string, at: number): Version =>
    versions.get(key)?.findLast((version) => version.time <= at) ?? { time: 0, list: [] };

  const begin = (process: number): Open => {
    const write = kind === "list-append" ? "append" : "w";
    const steps = Array.from({ length: random.integer(1, 4) }, () => {
      // New keys come as old ones go, as in long runs.
      const key = `k${Math.floor(begun / 50) + random.integer(0, keys - 1)}`;
      return random.next() < 0.5 ? (["r", key, 0] as const) : ([write, key, ++value] as const);
    });
    begun++;
    event(
      process,
      "invoke",
      steps.map(([f, key, of]) => [f, key, f === "r" ? null : of]),
    );
    const buggy = bug !== undefined && random.next() < 0.25;
    const start = buggy && bug === "stale snapshot" ? Math.max(0, time - 200) : time;
    return { steps, done: [], start, asked: time, own: new Map(), seen: new Map(), buggy };
  };

  const read = (txn: Open, key: string): readonly number[] => {
    let at = isolation === "read-committed" ? time : txn.start;
    const own = txn.own.get(key) ?? [];
    if (txn.buggy && bug === "half a snapshot" && txn.done.length > 1) at = time;
    const { time: seen, list } = versionAt(key, at);
    if (!txn.seen.has(key)) txn.seen.set(key, seen);
    const answer = txn.buggy ? wrong(key, list, own) : [...list, ...own];
    const right = [...versionAt(key, isolation === "read-committed" ? time : txn.asked).list, ...own];
    if (answer.join() !== right.join()) bugs++;
    return answer;
  };

  const wrong = (key: string, list: readonly number[], own: readonly number[]): readonly number[] => {
    if (bug === "own write lost" && own.length > 0) return list;
    if (bug === "doubled" && list.length > 0) return [...list, list[0]!];
    const leaked = own.length === 0 ? dirty.get(key) : undefined;
    return [...list, ...(leaked ?? own)];
  };

  const commit = (process: number, txn: Open): void => {
    dirty.clear();
    const keep = txn.buggy && bug === "lost update";
    const conflict = (key: string): boolean => versionAt(key, time).time > txn.start;
    const changed = [...txn.own.keys()].some(conflict);
    const stale = isolation === "serializable" && bug !== "stale snapshot" && [...txn.seen.keys()].some(conflict);
    const aborts = isolation !== "read-committed" && !keep && (changed || stale);
    if (txn.buggy && bug === "lost update" && changed) bugs++;
    if (aborts || random.next() < 0.05) {
      event(process, "fail", null);
      if (bug === "aborted read") for (const [key, own] of txn.own) dirty.set(key, own);
      return;
    }
    const lost = random.next() < 0.03;
    const happens = !lost || random.next() < 0.5;
    time++;
    for (const [key, own] of happens ? txn.own : []) {
      const before = versionAt(key, keep ? txn.start : time).list;
      const ofKey = versions.get(key) ?? [];
      versions.set(key, ofKey);
      ofKey.push({ time, list: [...before, ...own] });
    }
    event(process, lost ? "info" : "ok", lost ? null : txn.done);
    if (lost) processes[processes.indexOf(process)] = nextProcess++;
  };

  /** In place of snapshots, read committed has locks, and who would have to wait gives up. */
  const locked = (txn: Open, key: string): boolean =>
    isolation === "read-committed" && [...open.values()].some((other) => other !== txn && other.own.has(key));

  for (;;) {
    if (begun === transactions && open.size === 0) return { history, bugs };
    const process = processes[random.integer(0, processes.length - 1)]!;
    const txn = open.get(process);
    if (txn === undefined) {
      if (begun < transactions) open.set(process, begin(process));
      continue;
    }
    const step = txn.steps[txn.done.length];
    if (step === undefined) {
      open.delete(process);
      commit(process, txn);
      continue;
    }
    const [f, key, written] = step;
    if (f === "r") {
      const list = read(txn, key);
      txn.done.push(["r", key, kind === "list-append" ? list : (list.at(-1) ?? null)]);
      continue;
    }
    if (locked(txn, key)) {
      open.delete(process);
      event(process, "fail", null);
      continue;
    }
    txn.done.push([f, key, written]);
    const own = txn.own.get(key);
    if (own === undefined) txn.own.set(key, [written]);
    else own.push(written);
    if (bug === "intermediate read" && own === undefined) dirty.set(key, [written]);
  }
}

const bothKinds = ["list-append", "rw-register"] as const;

describe.each(bothKinds)("%s: a correct store is never accused", (kind) => {
  it.each<[StoreOptions["isolation"], IsolationLevel]>([
    ["serializable", "strict-serializable"],
    ["snapshot-isolation", "strong-snapshot-isolation"],
  ])("%s", (isolation, level) => {
    const fallen = new Set<string>();
    for (let seed = 0; seed < 3; seed++) {
      const { history, bugs } = runStore({ kind, isolation, transactions: 700, seed });
      expect(bugs).toBe(0);
      const options = { kind, level, linearizableKeys: true, orders: ["process", "realtime"] } as const;
      const checked = checkTransactions(history, options);
      expect(checked.explanation).toMatch(/^nothing in \d{3,} transactions/);
      expect(checked.verdict).toBe("ok");
      expect(checked.dependencies.rw).toBeGreaterThan(100);
      for (const name of Object.keys(checked.counts)) fallen.add(name);
    }
    expect([...fallen]).toEqual(isolation === "serializable" ? [] : ["G2-item"]);
  });

  it("read committed", () => {
    const fallen = new Set<IsolationLevel>();
    for (let seed = 0; seed < 3; seed++) {
      const { history } = runStore({ kind, isolation: "read-committed", transactions: 400, seed });
      const checked = checkTransactions(history, { kind, level: "read-committed" });
      expect(checked.verdict).toBe("ok");
      for (const level of checked.fails) fallen.add(level);
    }
    expect(fallen).toContain("snapshot-isolation");
    expect(fallen).toContain("serializable");
  });
});

describe.each(bothKinds)("%s: planted bugs are found", (kind) => {
  it.each<[Bug, AnomalyName, IsolationLevel]>([
    ["aborted read", "G1a", "read-committed"],
    ["intermediate read", "G1b", "read-committed"],
    ["lost update", "lost-update", "snapshot-isolation"],
    ["half a snapshot", "G-single", "snapshot-isolation"],
    ["stale snapshot", "G-single-realtime", "strong-snapshot-isolation"],
    ["own write lost", "internal", "read-uncommitted"],
  ])("%s", (bug, name, level) => {
    let [found, planted] = [0, 0];
    for (let seed = 0; seed < 6; seed++) {
      const { history, bugs } = runStore({ kind, isolation: "snapshot-isolation", bug, transactions: 500, seed });
      planted += bugs;
      const checked = checkTransactions(history, { kind, level, orders: ["realtime"] });
      if (checked.verdict === "violation") found += checked.counts[name] ?? 0;
    }
    expect(planted).toBeGreaterThan(5);
    expect(found).toBeGreaterThan(0);
  });
});

it("list-append: an element that is read twice is found", () => {
  const { history } = runStore({
    kind: "list-append",
    isolation: "serializable",
    bug: "doubled",
    transactions: 500,
    seed: 1,
  });
  expect(checkTransactions(history, { kind: "list-append" }).counts["duplicate-elements"]).toBeGreaterThan(0);
});

/** Whether some order of all that answered and any of the unknown explains every read: the definition, word for word. */
function bruteForce(transactions: readonly RecordedTransaction[], strict: boolean): boolean {
  const candidates = transactions.filter(({ outcome }) => outcome !== "failed");
  const search = (state: ReadonlyMap<string, readonly unknown[]>, left: readonly RecordedTransaction[]): boolean => {
    if (left.every(({ outcome }) => outcome === "unknown")) return true;
    const firstReturn = Math.min(...left.map(({ returnNs }) => returnNs));
    return left.some((transaction) => {
      if (strict && transaction.callNs > firstReturn) return false;
      const after = apply(transaction.steps, state);
      if (after === undefined) return false;
      return search(
        after,
        left.filter((other) => other !== transaction),
      );
    });
  };
  return search(new Map(), candidates);
}

function apply(
  steps: readonly Step[],
  before: ReadonlyMap<string, readonly unknown[]>,
): ReadonlyMap<string, readonly unknown[]> | undefined {
  const state = new Map(before);
  for (const step of steps) {
    const list = state.get(String(step.key)) ?? [];
    if (step.f === "write") state.set(String(step.key), [...list, step.value]);
    if (step.f === "register" && (list.at(-1) ?? null) !== step.value) return undefined;
    if (step.f === "list" && JSON.stringify(list) !== JSON.stringify(step.value)) return undefined;
  }
  return state;
}

/**
 * Whether some order of starts and commits explains every read from snapshots, where of two that overlap and write to the
 * same key only one may commit.
 */
function bruteForceSnapshots(transactions: readonly RecordedTransaction[], strong: boolean): boolean {
  const candidates = transactions.filter(({ outcome }) => outcome !== "failed");
  const writes = (transaction: RecordedTransaction): readonly string[] =>
    transaction.steps.flatMap((step) => (step.f === "write" ? [String(step.key)] : []));
  type State = ReadonlyMap<string, readonly unknown[]>;
  interface Started {
    readonly transaction: RecordedTransaction;
    /** The keys that were written since its start. */
    readonly changed: ReadonlySet<string>;
  }
  const search = (state: State, waiting: readonly RecordedTransaction[], started: readonly Started[]): boolean => {
    const open = [...waiting, ...started.map(({ transaction }) => transaction)];
    if (open.every(({ outcome }) => outcome === "unknown")) return true;
    const firstReturn = Math.min(...open.map(({ returnNs }) => returnNs));
    const commits = started.some((one) => {
      const keys = writes(one.transaction);
      if (keys.some((key) => one.changed.has(key))) return false;
      const written = one.transaction.steps.filter(({ f }) => f === "write");
      const others = started
        .filter((other) => other !== one)
        .map((other) => ({ ...other, changed: new Set([...other.changed, ...keys]) }));
      return search(apply(written, state)!, waiting, others);
    });
    return (
      commits ||
      waiting.some((transaction) => {
        if (strong && transaction.callNs > firstReturn) return false;
        if (apply(transaction.steps, state) === undefined) return false;
        const left = waiting.filter((other) => other !== transaction);
        return search(state, left, [...started, { transaction, changed: new Set() }]);
      })
    );
  };
  return search(new Map(), candidates, []);
}

/** Tiny histories whose reads are mostly beginnings of one order, and sometimes nonsense. */
function tinyHistories(kind: TransactionKind): fc.Arbitrary<HistoryEvent[]> {
  const step = fc.record({
    reads: fc.boolean(),
    key: fc.integer({ min: 0, max: 1 }),
    length: fc.integer({ min: 0, max: 5 }),
  });
  const txn = fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 3 }),
    call: fc.integer({ min: 0, max: 20 }),
    takes: fc.integer({ min: 0, max: 12 }),
    type: fc.constantFrom("ok", "ok", "ok", "ok", "info", "fail"),
  });
  return fc
    .tuple(fc.array(txn, { minLength: 1, maxLength: 5 }), fc.infiniteStream(fc.integer({ min: 0, max: 99 })))
    .map(([txns, draws]) => {
      const draw = (): number => Number(draws.next().value);
      let value = 0;
      const orders: [number[], number[]] = [[], []];
      const made = txns.map(({ steps, ...rest }) => ({
        ...rest,
        steps: steps.map((of) => {
          if (!of.reads) {
            const order = orders[of.key === 0 ? 0 : 1];
            order.splice(draw() < 70 ? order.length : draw() % (order.length + 1), 0, ++value);
          }
          return { ...of, value };
        }),
      }));
      return made
        .flatMap(({ steps, call, takes, type }, process): HistoryEvent[] => {
          const answer = steps.map(({ reads, key, length, value: of }): MicroOperation => {
            if (!reads) return [kind === "list-append" ? "append" : "w", `k${key}`, of];
            const list = orders[key === 0 ? 0 : 1].slice(0, length);
            if (draw() < 5) list.reverse();
            return ["r", `k${key}`, kind === "list-append" ? list : (list.at(-1) ?? null)];
          });
          const asked = answer.map(([f, key, of]) => [f, key, f === "r" ? null : of]);
          return [
            { process, type: "invoke", f: "txn", value: asked, timeNs: call },
            { process, type, f: "txn", value: type === "ok" ? answer : null, timeNs: call + takes },
          ];
        })
        .sort((a, b) => a.timeNs - b.timeNs || Number(b.type === "invoke") - Number(a.type === "invoke"));
    });
}

type Definition = (transactions: readonly RecordedTransaction[], inTime: boolean) => boolean;

describe("against brute force on tiny histories", () => {
  const levels: readonly (readonly [level: IsolationLevel, possible: Definition, inTime: boolean])[] = [
    ["serializable", bruteForce, false],
    ["strict-serializable", bruteForce, true],
    ["snapshot-isolation", bruteForceSnapshots, false],
    ["strong-snapshot-isolation", bruteForceSnapshots, true],
  ];

  it.each(levels)("list-append decides the same: %s", (level, possible, inTime) => {
    let [is, isNot] = [0, 0];
    fc.assert(
      fc.property(tinyHistories("list-append"), (history) => {
        const { verdict, explanation } = checkTransactions(history, { kind: "list-append", level });
        if (verdict === "unknown") return;
        const expected = possible(recordedTransactions(history, "list-append"), inTime);
        if (expected) is++;
        else isNot++;
        expect(verdict, explanation).toBe(expected ? "ok" : "violation");
      }),
      { numRuns: 500 },
    );
    expect(Math.min(is, isNot)).toBeGreaterThan(30);
  });

  it.each(levels)("rw-register never accuses what is possible: %s", (level, possible, inTime) => {
    let [is, accused] = [0, 0];
    fc.assert(
      fc.property(tinyHistories("rw-register"), (history) => {
        const options = { kind: "rw-register", level, linearizableKeys: inTime } as const;
        const { verdict, explanation } = checkTransactions(history, options);
        if (verdict === "violation") accused++;
        if (!possible(recordedTransactions(history, "rw-register"), inTime)) return;
        is++;
        expect(verdict, explanation).not.toBe("violation");
      }),
      { numRuns: 500 },
    );
    expect(Math.min(is, accused)).toBeGreaterThan(30);
  });
});
