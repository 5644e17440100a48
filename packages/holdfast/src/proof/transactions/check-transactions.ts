import { checkInteger, checkNumber, checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { Clock } from "../../runtime/index.ts";
import type { HistoryEvent } from "../history.ts";
import { anomalies, type Anomalies, type Anomaly } from "./anomaly.ts";
import { committedOf } from "./committed.ts";
import { DependencyGraph, dependency } from "./dependency-graph.ts";
import { checkInternalReads, checkLostUpdates } from "./direct-anomalies.ts";
import { explainCycle } from "./explain-cycle.ts";
import { findCycles } from "./find-cycles.ts";
import { fallenLevels, isolationLevels, type AnomalyName, type IsolationLevel } from "./isolation-level.ts";
import { addListDependencies, type Recorded } from "./list-append.ts";
import type { TransactionKind } from "./micro-operation.ts";
import { addProcessOrder, addRealtimeOrder, type OutsideOrder } from "./outside-orders.ts";
import { recordedTransactions, writersOf, type RecordedTransaction } from "./recorded-transaction.ts";
import { addRegisterDependencies } from "./rw-register.ts";

export interface TransactionCheckOptions {
  readonly kind: TransactionKind;
  /** What the system promises: the verdict is about this. Default `serializable`. */
  readonly level?: IsolationLevel;
  /** Orders from outside the data to look at. Default: those that the level speaks of. */
  readonly orders?: readonly OutsideOrder[];
  /** `rw-register`: what a transaction writes to a key comes after what it read there. Default true. */
  readonly writesFollowReads?: boolean;
  /** `rw-register`: each key by itself is linearizable, so that its versions come in real time. Default false. */
  readonly linearizableKeys?: boolean;
  /** Gives up after this time with the verdict `unknown`. Needs `clock`. Default: never. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  /** Gives up when the search for cycles would take more than this. Default 2 GiB. */
  readonly maxBytes?: number;
}

export interface TransactionCheck {
  /** Whether the history breaks the level. `unknown` is no pass: the check ended early, or saw no transaction. */
  readonly verdict: "ok" | "violation" | "unknown";
  /** The first few of each name, those of the level or not; the shortest cycles first. */
  readonly anomalies: readonly Anomaly[];
  /** How many of each name were found; of cycles, one for each group of transactions that lie on cycles together. */
  readonly counts: Readonly<Partial<Record<AnomalyName, number>>>;
  /** Every level that the history breaks, weak to strong, as far as the orders looked at show. */
  readonly fails: readonly IsolationLevel[];
  /** The verdict's reason, for people. */
  readonly explanation: string;
  /** How many took effect, as far as anybody knows. */
  readonly transactions: number;
  /** How many times one was seen to come before another: a history with few says little. */
  readonly dependencies: Readonly<Record<"ww" | "wr" | "rw", number>>;
}

const names = [
  "kind",
  "level",
  "orders",
  "writesFollowReads",
  "linearizableKeys",
  "timeoutMs",
  "clock",
  "maxBytes",
] as const satisfies readonly (keyof TransactionCheckOptions)[];

const defaultMaxBytes = 2 * 1024 ** 3;

/** What an edge and a node take, from when they are noted to the end of the search. */
const [bytesPerEdge, bytesPerNode] = [110, 80];

/** Why a check gave up. */
class GaveUp extends Error {}

/**
 * Which isolation levels a history of transactions breaks. Each transaction is an operation `txn` whose value is a list of
 * micro-operations: `["append", key, value]` or `["w", key, value]`, and `["r", key, null]`, in the answer with the list or
 * value that was read. What a transaction writes must be unique for its key.
 *
 * Kingsbury and Alvaro, "Elle: inferring isolation anomalies from experimental observations" (2020): the order of each
 * key's versions gives the transactions' dependencies, and cycles among those are what Adya ("Weak consistency", 1999)
 * calls G0, G1c, G-single and G2. Time and memory are linear in the history.
 * @throws HistoryError when the history or a transaction breaks its format's rules, or a value is written twice
 *
 * @example
 * const { verdict, fails, explanation } = checkTransactions(recorder.events, { kind: "list-append" });
 */
export function checkTransactions(
  history: readonly HistoryEvent[],
  options: TransactionCheckOptions,
): TransactionCheck {
  checkOptionNames("checkTransactions", options, names);
  const kind = checkOneOf("checkTransactions.kind", options.kind, ["list-append", "rw-register"]);
  const level = checkOneOf("checkTransactions.level", options.level ?? "serializable", isolationLevels);
  const orders = options.orders ?? ordersOf(level);
  for (const order of orders) checkOneOf("checkTransactions.orders", order, ["process", "realtime"]);
  const maxBytes = checkInteger("checkTransactions.maxBytes", options.maxBytes ?? defaultMaxBytes, 1);
  const pulse = deadline(options);

  const transactions = recordedTransactions(history, kind);
  const writers = writersOf(transactions);
  const committed = committedOf(transactions, writers);
  const recorded: Recorded = { transactions, writers, committed };
  const graph = new DependencyGraph(transactions.length);
  const found = anomalies();
  let undecided: string | undefined;
  try {
    for (const transaction of transactions) if (transaction.outcome === "ok") checkInternalReads(transaction, found);
    addDependencies(recorded, options, graph, found, pulse);
    const counted = transactions.filter(({ number }) => committed[number] === 1);
    if (orders.includes("process")) addProcessOrder(graph, counted);
    if (orders.includes("realtime")) addRealtimeOrder(graph, counted);
    const bytes = bytesPerEdge * graph.sources.length + bytesPerNode * graph.nodes;
    if (bytes > maxBytes) throw new GaveUp(`maxBytes ${maxBytes} (the search for cycles takes ${bytes})`);
    for (const { name, steps } of findCycles(graph, inOrder(orders), pulse)) {
      found.add(
        name,
        steps.map(({ from }) => transactions[from]!),
        () => explainCycle(steps, transactions, kind),
      );
    }
  } catch (error) {
    if (!(error instanceof GaveUp)) throw error;
    undecided = `the history was not decided within ${error.message}`;
  }
  return conclude(recorded, level, graph, found, undecided);
}

/** What a process does is in real time order, too: the weaker order is looked at first. */
function inOrder(orders: readonly OutsideOrder[]): OutsideOrder[] {
  return (["process", "realtime"] as const).filter((order) => orders.includes(order));
}

function ordersOf(level: IsolationLevel): readonly OutsideOrder[] {
  if (level.startsWith("strong-session")) return ["process"];
  return level.startsWith("str") ? ["process", "realtime"] : [];
}

function deadline({ timeoutMs, clock }: TransactionCheckOptions): () => void {
  if (timeoutMs === undefined) return () => {};
  checkNumber("checkTransactions.timeoutMs", timeoutMs, 0);
  if (clock === undefined) {
    throw new InvalidArgumentError("checkTransactions.clock", "must be given with timeoutMs", clock);
  }
  const endsAt = clock.now() + timeoutMs;
  return () => {
    if (clock.now() >= endsAt) throw new GaveUp(`timeoutMs ${timeoutMs}`);
  };
}

function addDependencies(
  recorded: Recorded,
  { kind, writesFollowReads = true, linearizableKeys = false }: TransactionCheckOptions,
  graph: DependencyGraph,
  found: Anomalies,
  pulse: () => void,
): void {
  const doubtful =
    kind === "list-append"
      ? addListDependencies(recorded, graph, found, pulse)
      : addRegisterDependencies(recorded, { writesFollowReads, linearizableKeys }, graph, found, pulse);
  checkLostUpdates(recorded.transactions, doubtful, found);
}

function conclude(
  { transactions, committed }: Recorded,
  level: IsolationLevel,
  graph: DependencyGraph,
  found: Anomalies,
  undecided: string | undefined,
): TransactionCheck {
  const fails = fallenLevels(found.counts.keys());
  const counted = transactions.filter(({ number }) => committed[number] === 1);
  const dependencies = { ww: 0, wr: 0, rw: 0 };
  for (const [i, bit] of graph.bits.entries()) {
    if (graph.evidence[i] === undefined) continue;
    if (bit === dependency.ww) dependencies.ww++;
    if (bit === dependency.wr) dependencies.wr++;
    if (bit === dependency.rw || bit === dependency.update) dependencies.rw++;
  }
  const broken = fails.includes(level);
  const nothing = counted.length === 0 ? "no transaction took effect: nothing was checked" : undefined;
  const doubt = undecided ?? nothing;
  return {
    verdict: broken ? "violation" : doubt === undefined ? "ok" : "unknown",
    anomalies: found.kept,
    counts: Object.fromEntries(found.counts),
    fails,
    explanation: broken ? explain(level, found) : (doubt ?? explainOk(level, counted, dependencies, fails)),
    transactions: counted.length,
    dependencies,
  };
}

/** The first of each name that breaks the level. */
function explain(level: IsolationLevel, found: Anomalies): string {
  const told = new Set<AnomalyName>();
  const lines = [`not ${level}`];
  for (const { name, title, explanation } of found.kept) {
    if (told.has(name) || !fallenLevels([name]).includes(level)) continue;
    told.add(name);
    lines.push(`${name} (${title}), ${found.counts.get(name)} found: ${explanation}`);
  }
  return lines.join("\n");
}

/** What an `ok` rests on. */
function explainOk(
  level: IsolationLevel,
  counted: readonly RecordedTransaction[],
  { ww, wr, rw }: TransactionCheck["dependencies"],
  fails: readonly IsolationLevel[],
): string {
  const unknown = counted.filter(({ outcome }) => outcome === "unknown").length;
  const seen = `${counted.length} transactions, ${unknown} of unknown outcome, with ${ww} ww, ${wr} wr and ${rw} rw`;
  const beyond = fails.length === 0 ? "" : `; it is not ${fails.join(", ")}`;
  return `nothing in ${seen} dependencies is against ${level}${beyond}`;
}
