/** One transfer between two accounts, as the load has sent it. */
export interface Transfer {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly cents: number;
  /** `unknown`: the connection broke before the answer. */
  outcome: "pending" | "acknowledged" | "refused" | "unknown";
}

/** A row of the ledger. */
export type LedgerRow = Pick<Transfer, "id" | "from" | "to" | "cents">;

export interface BankVerdict {
  /** Acknowledged transfers that are not there. */
  readonly lostRows: number;
  /** Rows that nobody wrote, or of which it was said that they were not written. */
  readonly ghostRows: number;
  /** Rows whose transfer was never answered. */
  readonly unknownRows: number;
  /** Whether every account has what the ledger says, and all together what they had. */
  readonly balanced: boolean;
}

/** Holds what is in the bank against what its clients were told. */
export function checkBank(
  transfers: readonly Transfer[],
  ledger: readonly LedgerRow[],
  balances: ReadonlyMap<number, number>,
  initialCents: number,
): BankVerdict {
  const sent = new Map(transfers.map((transfer) => [transfer.id, transfer]));
  const expected = new Map([...balances.keys()].map((account) => [account, initialCents]));
  const seen = new Set<number>();
  let ghostRows = 0;
  let unknownRows = 0;
  for (const { id, from, to, cents } of ledger) {
    const transfer = sent.get(id);
    const isSame = transfer?.from === from && transfer.to === to && transfer.cents === cents;
    if (!isSame || transfer.outcome === "refused" || seen.has(id)) ghostRows++;
    else if (transfer.outcome !== "acknowledged") unknownRows++;
    seen.add(id);
    expected.set(from, (expected.get(from) ?? Number.NaN) - cents);
    expected.set(to, (expected.get(to) ?? Number.NaN) + cents);
  }
  const lostRows = transfers.filter(({ id, outcome }) => outcome === "acknowledged" && !seen.has(id)).length;
  const balanced = balances.size > 0 && [...expected].every(([account, cents]) => balances.get(account) === cents);
  return { lostRows, ghostRows, unknownRows, balanced };
}
