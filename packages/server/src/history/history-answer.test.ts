import { describe, expect, it } from "vitest";
import { historyDocument, readHistory, type HistoryDocument } from "./history-answer.ts";
import { historySteps } from "./history-ring.ts";
import { memberRing } from "./member-history.ts";
import { addToPolicy, PolicyBook } from "./policy-book.ts";

const now = 2_000_000;

function remembered(steps: number): { ring: ReturnType<typeof memberRing>; book: PolicyBook } {
  const ring = memberRing();
  const book = new PolicyBook();
  for (let step = now - steps + 1; step <= now; step++) {
    const place = ring.place(step)!;
    for (const [at, column] of ring.columns.entries()) column[place] = step * 1_000_000 + at;
    const policy = book.find({ service: "shop", kind: "retry", name: "bank" }, step)!;
    if (step % 2 === 0) addToPolicy(policy, step, [step % 7, 0.5, 1, 2, 3]);
  }
  return { ring, book };
}

/** As it comes over the wire. */
const told = (document: HistoryDocument): unknown => JSON.parse(JSON.stringify(document));

describe("what a member tells of what it remembers", () => {
  it("is read as it was, without the steps that are not complete", () => {
    const { ring, book } = remembered(6);
    const read = readHistory(told(historyDocument(now, 0, ring, book)))!;
    expect([read.step, read.to]).toEqual([now, now - 2]);
    expect([read.member?.from, read.member?.length]).toEqual([now - 5, 4]);
    expect(read.member?.columns.map((column) => column[0])).toEqual([0, 1, 2].map((at) => (now - 5) * 1_000_000 + at));
    const [policy] = read.policies;
    expect(policy?.name).toEqual({ service: "shop", kind: "retry", name: "bank" });
    expect(policy?.rows.from).toBe(now - 4);
    expect(Array.from(policy!.rows.columns[0]!)).toEqual([(now - 4) % 7, NaN, (now - 2) % 7]);
  });

  it("is what is new, for whoever has the rest", () => {
    const { ring, book } = remembered(6);
    const read = readHistory(told(historyDocument(now, now - 3, ring, book)))!;
    expect([read.member?.from, read.member?.length]).toEqual([now - 3, 2]);
    expect(read.policies[0]?.rows.length).toBe(2);
    const nothing = readHistory(told(historyDocument(now, now - 1, ring, book)))!;
    expect([nothing.member, nothing.policies]).toEqual([undefined, []]);
    expect(readHistory(told(historyDocument(now, 0, undefined, new PolicyBook())))?.member).toBeUndefined();
  });

  const numbers = (count: number, value: number, size: 4 | 8 = 8): string => {
    const bytes = Buffer.alloc(count * size);
    for (let at = 0; at < count; at++) {
      if (size === 8) bytes.writeDoubleLE(value, at * 8);
      else bytes.writeFloatLE(value, at * 4);
    }
    return bytes.toString("base64");
  };
  const good = { stepMs: 5_000, step: now, to: now - 2, member: null, policies: [] };

  it.each([
    null,
    [],
    "text",
    {},
    { ...good, stepMs: 1 },
    { ...good, step: "now" },
    { ...good, step: 1e300 },
    { ...good, step: -1 },
    { ...good, to: now + 1 },
    { ...good, policies: {} },
    { ...good, policies: null },
  ])("%j is nothing of the kind", (value) => {
    expect(readHistory(value)).toBeUndefined();
  });

  it.each([
    { from: now - 4, base64: 7 },
    { from: "x", base64: numbers(3, 1) },
    { from: now - 4, base64: numbers(4, 1) },
    { from: now - 1, base64: numbers(3, 1) },
    { from: now - 2 - historySteps, base64: numbers(3, 1) },
    { from: now - 2, base64: "A".repeat(10_000_000) },
    { from: -5, base64: numbers(3, 1) },
    7,
    ["from"],
  ])("numbers like %j are left out, and the rest is read", (member) => {
    const read = readHistory({
      ...good,
      member,
      policies: [{ service: "s", kind: "k", name: "n", ...Object(member) }],
    });
    expect(read?.member).toBeUndefined();
    expect(read?.policies).toEqual([]);
  });

  it("takes no more policies than there is room for, none without a name, and no value that cannot be", () => {
    const packed = { from: now - 2, base64: numbers(5, 1, 4) };
    const named = (name: unknown) => ({ service: "s", kind: "k", name, ...packed });
    const policies = [
      named(7),
      named("x".repeat(2_000)),
      null,
      ...Array.from({ length: 5_000 }, (_, at) => named(`n${at}`)),
    ];
    expect(readHistory({ ...good, policies })?.policies).toHaveLength(197);
    for (const value of [-1, Infinity, -Infinity, NaN]) {
      const member = { from: now - 2, base64: numbers(3, value) };
      expect(readHistory({ ...good, member })?.member).toMatchObject({
        length: 1,
        columns: [[NaN], [NaN], [NaN]].map((one) => Float64Array.from(one)),
      });
    }
  });
});
