import { describe, expect, it } from "vitest";
import { checkBank, type LedgerRow, type Transfer } from "./bank-history.ts";

const transfers: Transfer[] = [
  { id: 1, from: 1, to: 2, cents: 10, outcome: "acknowledged" },
  { id: 2, from: 2, to: 3, cents: 5, outcome: "acknowledged" },
  { id: 3, from: 3, to: 1, cents: 1, outcome: "unknown" },
  { id: 4, from: 1, to: 3, cents: 7, outcome: "refused" },
];
const row = (id: number, more: object = {}): LedgerRow => ({ ...transfers.find((each) => each.id === id)!, ...more });
const well = { lostRows: 0, ghostRows: 0, unknownRows: 0, balanced: true };

function after(rows: readonly LedgerRow[]): Map<number, number> {
  const balances = new Map([1, 2, 3].map((account) => [account, 100]));
  for (const { from, to, cents } of rows) {
    balances.set(from, balances.get(from)! - cents);
    balances.set(to, balances.get(to)! + cents);
  }
  return balances;
}

describe("the bank's books", () => {
  it.each<[string, LedgerRow[], object]>([
    ["hold what was acknowledged", [row(1), row(2)], well],
    ["may hold what was never answered", [row(1), row(2), row(3)], { ...well, unknownRows: 1 }],
    ["lack what was acknowledged", [row(2)], { ...well, lostRows: 1 }],
    ["hold what was refused", [row(1), row(2), row(4)], { ...well, ghostRows: 1 }],
    ["hold what nobody sent", [row(1), row(2), row(1, { id: 9 })], { ...well, ghostRows: 1 }],
    ["hold another sum", [row(1), row(2, { cents: 6 })], { ...well, ghostRows: 1 }],
    ["hold one twice", [row(1), row(1), row(2)], { ...well, ghostRows: 1 }],
  ])("%s", (_, rows, verdict) => {
    expect(checkBank(transfers, rows, after(rows), 100)).toEqual(verdict);
  });

  it("do not balance when an account differs from the ledger, or none is there", () => {
    const rows = [row(1), row(2)];
    expect(checkBank(transfers, rows, after([row(1)]), 100)).toEqual({ ...well, balanced: false });
    expect(checkBank(transfers, rows, new Map([...after(rows)].slice(1)), 100).balanced).toBe(false);
    expect(checkBank([], [], new Map(), 100).balanced).toBe(false);
  });
});
