import {
  checkBank,
  checkSession,
  checkSet,
  checkTransactions,
  pairOperations,
  type HistoryEvent,
  type TransactionKind,
} from "holdfast/proof";
import { noInitial, noLevel, type HistoryCheck } from "./history-check.ts";
import { usageError } from "../cli/exit.ts";
import type { Highlight } from "./page-data.ts";

/** Whether transactions are isolated as `level` says. */
export function transactions(kind: TransactionKind): HistoryCheck {
  return (events, options) => {
    noInitial(kind, options);
    const { level, timeoutMs, clock } = options;
    const result = checkTransactions(events, { kind, timeoutMs, clock, ...(level === undefined ? {} : { level }) });
    const { verdict, explanation, anomalies, counts, fails, dependencies } = result;
    return {
      verdict,
      operations: result.transactions,
      explanation,
      more: { anomalies, counts, fails, dependencies },
      highlights: anomalies.map(({ name, title, explanation: detail, lines }) => ({
        title: `${name}: ${title}`,
        detail,
        lines,
      })),
    };
  };
}

/** Whether what all accounts hold together never changes. */
export const bank: HistoryCheck = (events, options) => {
  noLevel("bank", options);
  const { total, source, accounts } = bankOf(events, options.initial);
  const result = checkBank(events, { total, ...(accounts === undefined ? {} : { accounts }) });
  const { verdict, reads, violations, explanation } = result;
  const [first] = violations;
  return {
    verdict,
    operations: pairOperations(events).length,
    explanation: `${explanation}${source}`,
    more: { reads, total, violations },
    ...(first === undefined ? {} : { violationLine: first.line }),
    highlights: violations.slice(0, maxHighlights).map(({ line, explanation: detail }) => ({
      title: `line ${line}`,
      detail,
      lines: [line],
    })),
  };
};

/** Whether each process saw what session guarantees promise. */
export const session: HistoryCheck = (events, options) => {
  noInitial("session", options);
  noLevel("session", options);
  const { verdict, operations, comparisons, violations, explanation } = checkSession(events);
  return {
    verdict,
    operations,
    explanation,
    more: { comparisons, violations },
    highlights: violations.slice(0, maxHighlights).map(({ guarantees, explanation: detail, lines }) => ({
      title: guarantees.join(", "),
      detail,
      lines,
    })),
  };
};

/** Whether a set that only grows kept all that it acknowledged. */
export const setFull: HistoryCheck = (events, options) => {
  noInitial("set-full", options);
  noLevel("set-full", options);
  const { verdict, explanation, ...more } = checkSet(events);
  return {
    verdict,
    operations: pairOperations(events).length,
    explanation,
    more,
    highlights: more.lost.slice(0, maxHighlights).map((element) => lostElement(events, element)),
  };
};

const maxHighlights = 8;

function lostElement(events: readonly HistoryEvent[], element: unknown): Highlight {
  const value = JSON.stringify(element);
  const at = events.findIndex(({ type, f, value: added }) => {
    return type === "invoke" && f === "add" && JSON.stringify(added) === value;
  });
  const line = events[at]?.line ?? at + 1;
  return { title: `lost: ${value.slice(0, 60)}`, detail: `${value} was added, and is in no later read`, lines: [line] };
}

/** The total: given by itself or as balances, or else what the first read shows. */
function bankOf(
  events: readonly HistoryEvent[],
  initial: unknown,
): { readonly total: number; readonly source: string; readonly accounts?: readonly string[] } {
  if (typeof initial === "number") return { total: initial, source: "" };
  if (initial !== undefined && !isBalances(initial)) {
    throw usageError("--init must be the total or the balances by account for bank");
  }
  const first = events.find(({ type, f, value }) => type === "ok" && f === "read" && isBalances(value))?.value;
  const balances = (initial ?? first ?? {}) as Readonly<Record<string, number>>;
  const total = Object.values(balances).reduce((sum, balance) => sum + balance, 0);
  if (initial !== undefined) return { total, source: "", accounts: Object.keys(balances) };
  return { total, source: first === undefined ? "" : "; the total is the first read's: --init gives another" };
}

function isBalances(value: unknown): value is Readonly<Record<string, number>> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((balance) => Number.isSafeInteger(balance))
  );
}
