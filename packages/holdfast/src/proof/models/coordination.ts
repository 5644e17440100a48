import { HistoryError } from "../history-error.ts";
import type { Operation } from "../history.ts";
import { impossible, type Model, type ModelRun, type Transition } from "../model.ts";
import { readTxn, type TxnComparison, type TxnOperation, type TxnPlan } from "./coordination-txn.ts";
import { initialOf, isInteger, type ModelOptions } from "./model-options.ts";
import { RevisionedStore, type Pair } from "./revisioned-store.ts";
import { nothing, refuseFunction } from "./transitions.ts";

/**
 * A whole key-value store with revisions, as `Coordination` and etcd keep it: `put`, `get`, `del`, `cas` and `txn` on
 * any key. Results are objects, of which whatever was recorded is checked: `revision` (the store's), and of what was
 * found `value` (null for none), `createRevision`, `modRevision` and `version`; `deleted`, `succeeded`, `results`. The
 * history has to hold all writes to the store, because each counts one revision; `initial` is that of the empty store, 1 by default.
 */
export function coordination(options: ModelOptions = {}): Model {
  const initial = initialOf("coordination", options, "an integer", isInteger);
  return { name: "coordination", spansKeys: true, start: () => startStore(initial ?? 1) };
}

type Result = Readonly<Record<string, unknown>>;

function startStore(initial: number): ModelRun {
  const store = new RevisionedStore();

  /** What the operation does as a transaction, and what it said of it. */
  function planOf(operation: Operation): { readonly plan: TxnPlan; readonly result: Result } {
    const { f, input, output } = operation;
    const result = resultOf(operation);
    if (f === "txn") return { plan: readTxn(operation), result };
    if (!["put", "get", "del", "cas"].includes(f)) return refuseFunction("coordination", operation);
    if (operation.key === undefined) throw new HistoryError(operation.line, `coordination: ${f} needs a key`);
    const { key } = operation;
    if (f !== "cas") {
      const success: TxnOperation[] = [{ f: f as TxnOperation["f"], key, value: input }];
      return { plan: { compare: [], success, failure: [] }, result: { ...result, results: [output] } };
    }
    if (!Array.isArray(input) || input.length !== 2) {
      throw new HistoryError(operation.line, "cas takes [expected, replacement]");
    }
    const compare: TxnComparison[] = [{ key, target: "value", result: "equal", operand: input[0] as unknown }];
    const success: TxnOperation[] = [{ f: "put", key, value: input[1] as unknown }];
    return { plan: { compare, success, failure: [] }, result };
  }

  function transition(operation: Operation): Transition {
    const { plan, result } = planOf(operation);
    const isKnown = operation.outcome === "ok";
    const results = Array.isArray(result["results"]) ? (result["results"] as unknown[]) : undefined;
    const readOnly = [...plan.success, ...plan.failure].every(({ f }) => f === "get");
    if (readOnly && !isKnown) return nothing;

    function apply(state: number): number {
      const succeeded = plan.compare.every((comparison) => holds(store.get(state, comparison.key), comparison));
      if (isKnown && differs(result["succeeded"], succeeded)) return impossible;
      const revision = store.revisionOf(state) + 1;
      let after = state;
      for (const [at, { f, key, value }] of (succeeded ? plan.success : plan.failure).entries()) {
        const before = store.get(after, key);
        if (isKnown && !agrees(f, results?.[at], before)) return impossible;
        if (f === "put") after = store.put(after, key, value, revision);
        else if (f === "del" && before !== undefined) after = store.remove(after, key, revision);
      }
      return isKnown && differs(result["revision"], store.revisionOf(after)) ? impossible : after;
    }

    return { readOnly, apply };
  }

  return {
    initial: store.empty(initial),
    transition,
    describe: (state) => store.describe(state),
    get bytes() {
      return store.bytes;
    },
  };
}

function resultOf({ outcome, output, f, line }: Operation): Result {
  if (outcome === "unknown" || output === null) return {};
  if (typeof output === "object" && !Array.isArray(output)) return output as Result;
  if (typeof output === "boolean" && f === "cas") return { succeeded: output };
  throw new HistoryError(line, `coordination: ${f} gives an object (got ${JSON.stringify(output)})`);
}

function holds(pair: Pair | undefined, { target, result, operand }: TxnComparison): boolean {
  const actual: unknown = target === "value" ? (pair?.value ?? null) : (pair?.[target] ?? 0);
  if (result === "equal") return same(actual, operand);
  if (result === "notEqual") return !same(actual, operand);
  return result === "greater" ? (actual as number) > (operand as number) : (actual as number) < (operand as number);
}

/** Whether one part of a transaction may have given this, where the key's pair was this. */
function agrees(f: TxnOperation["f"], given: unknown, pair: Pair | undefined): boolean {
  if (f === "put" || typeof given !== "object" || given === null) return true;
  const result = given as Result;
  if (f === "del") return !differs(result["deleted"], pair === undefined ? 0 : 1);
  return (
    !differs(result["value"], pair?.value ?? null) &&
    !differs(result["createRevision"], pair?.createRevision ?? 0) &&
    !differs(result["modRevision"], pair?.modRevision ?? 0) &&
    !differs(result["version"], pair?.version ?? 0)
  );
}

/** What was not recorded differs from nothing. */
function differs(recorded: unknown, actual: unknown): boolean {
  return recorded !== undefined && !same(recorded, actual);
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  return typeof a === "object" && typeof b === "object" && JSON.stringify(a) === JSON.stringify(b);
}
