import { checkInteger, checkOptionNames } from "../../errors/base.ts";
import { HistoryError } from "../history-error.ts";
import { pairOperations, type HistoryEvent, type Operation } from "../history.ts";

export interface BankCheckOptions {
  /** What all accounts hold together, at all times. An integer. */
  readonly total: number;
  /** The accounts that every read must show. Default: any. */
  readonly accounts?: readonly string[];
  /** Whether a balance may be below zero. Default false. */
  readonly allowNegative?: boolean;
}

/** A read that shows what cannot be. */
export interface BankViolation {
  /** The line of its call. */
  readonly line: number;
  /** What its balances sum up to. */
  readonly total: number;
  readonly negative: readonly string[];
  /** Accounts that were not there, or should not have been. */
  readonly missing: readonly string[];
  readonly unknown: readonly string[];
  readonly explanation: string;
}

export interface BankCheck {
  /** `unknown`: nobody read the balances. Not a pass. */
  readonly verdict: "ok" | "violation" | "unknown";
  readonly reads: number;
  readonly violations: readonly BankViolation[];
  /** The verdict's reason, for people. */
  readonly explanation: string;
}

/**
 * Whether every `read`, which gives all balances by account, sums up to the total that transfers between accounts never
 * change. Operations of other names are the transfers, whatever they hold. It is quick and needs no order, and shows read
 * skew and lost updates; `checkTransactions` shows more.
 * @throws HistoryError when the history breaks its format's rules, or a balance is no integer
 *
 * @example
 * const { verdict } = checkBank(recorder.events, { total: 1000 });
 */
export function checkBank(history: readonly HistoryEvent[], options: BankCheckOptions): BankCheck {
  checkOptionNames("checkBank", options, ["total", "accounts", "allowNegative"]);
  checkInteger("checkBank.total", options.total, Number.MIN_SAFE_INTEGER);
  const reads = pairOperations(history).filter(({ f, outcome }) => f === "read" && outcome === "ok");
  const violations = reads.flatMap((read) => judge(read, options));
  const [first] = violations;
  return {
    verdict: first !== undefined ? "violation" : reads.length === 0 ? "unknown" : "ok",
    reads: reads.length,
    violations,
    explanation:
      first !== undefined
        ? `${violations.length} of ${reads.length} reads show what cannot be, first ${first.explanation}`
        : reads.length === 0
          ? "nobody read the balances"
          : `all ${reads.length} reads sum up to ${options.total}`,
  };
}

function judge(
  read: Operation,
  { total: expected, accounts, allowNegative = false }: BankCheckOptions,
): BankViolation[] {
  const { line } = read;
  const balances = Object.entries(balancesOf(read));
  const total = balances.reduce((sum, [, balance]) => sum + balance, 0);
  const negative = allowNegative ? [] : balances.filter(([, balance]) => balance < 0).map(([account]) => account);
  const there = new Set(balances.map(([account]) => account));
  const missing = (accounts ?? []).filter((account) => !there.has(account));
  const unknown = accounts === undefined ? [] : [...there].filter((account) => !accounts.includes(account));
  const reasons = [
    ...(total === expected ? [] : [`${total} in all instead of ${expected}`]),
    ...(negative.length === 0 ? [] : [`below zero: ${negative.join(", ")}`]),
    ...(missing.length === 0 ? [] : [`missing: ${missing.join(", ")}`]),
    ...(unknown.length === 0 ? [] : [`unknown: ${unknown.join(", ")}`]),
  ];
  if (reasons.length === 0) return [];
  return [{ line, total, negative, missing, unknown, explanation: `line ${line}: ${reasons.join("; ")}` }];
}

function balancesOf({ output, line }: Operation): Record<string, number> {
  if (typeof output !== "object" || output === null || Array.isArray(output)) {
    throw new HistoryError(line, `read gives balances by account (got ${JSON.stringify(output)})`);
  }
  for (const [account, balance] of Object.entries(output as Record<string, unknown>)) {
    if (Number.isSafeInteger(balance)) continue;
    throw new HistoryError(line, `the balance of ${account} must be an integer (got ${JSON.stringify(balance)})`);
  }
  return output as Record<string, number>;
}
