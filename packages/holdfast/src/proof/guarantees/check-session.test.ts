import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HistoryEvent, Operation } from "../history.ts";
import { checkSession, type SessionCheckOptions } from "./check-session.ts";
import type { SessionGuarantee } from "./session-claims.ts";

/** `a:w1` writes 1 in session a, `a:r1` reads it, `a:r` reads nothing; one after the other. */
function historyOf(text: string, key?: string): HistoryEvent[] {
  return text.split(" ").flatMap((call, index): HistoryEvent[] => {
    const [session = "", step = ""] = call.split(":");
    const value = step.length > 1 ? Number(step.slice(1)) : null;
    const writes = step.startsWith("w");
    const shared = {
      process: session.charCodeAt(0),
      f: writes ? "write" : "read",
      ...(key === undefined ? {} : { key }),
    };
    return [
      { ...shared, type: "invoke", value: writes ? value : null, timeNs: 2 * index },
      { ...shared, type: "ok", value: writes ? null : value, timeNs: 2 * index + 1 },
    ];
  });
}

const numbered: SessionCheckOptions = { versionOf: ({ input, output }) => (input ?? output ?? 0) as number };

function broken(text: string, options?: SessionCheckOptions): string[] {
  return checkSession(historyOf(text), options).violations.map(({ guarantees }) => guarantees.join(" + "));
}

describe("checkSession, by unique values", () => {
  it.each<[string, readonly string[]]>([
    ["a:w1 a:r1 b:r1 b:w2 a:r2", []],
    ["a:w1 b:r b:r1", []],
    ["a:w1 a:r", ["read-your-writes"]],
    ["a:w1 b:r1 b:r", ["monotonic-reads"]],
    ["a:w1 a:w2 b:r2 b:r1", ["monotonic-reads + monotonic-writes"]],
    ["a:w1 c:w2 b:r1 b:r2 d:r2 d:r1", ["monotonic-reads"]],
    ["a:w1 b:r1 b:w2 c:r2 c:r1", ["monotonic-reads + writes-follow-reads"]],
    ["a:w1 b:w2 a:r2 b:r1", ["read-your-writes"]],
    ["a:w1 a:w2 a:r1", ["read-your-writes + monotonic-writes"]],
  ])("%s", (text, expected) => {
    expect(broken(text)).toEqual(expected);
  });

  it("judges by what is promised", () => {
    const history = historyOf("a:w1 a:r");
    expect(checkSession(history).verdict).toBe("violation");
    expect(checkSession(history, { guarantees: ["monotonic-reads"] }).verdict).toBe("ok");
  });

  it("tells what was seen", () => {
    const { explanation, violations } = checkSession(historyOf("a:w1 a:w2 b:r2 b:r1", "k"));
    expect(violations[0]?.lines).toEqual(expect.arrayContaining([1, 3, 5, 7]));
    expect(explanation).toContain('key "k": monotonic-reads and monotonic-writes cannot all hold');
    expect(explanation).toContain("process 98 read 2 (line 5), then read 1 (line 7)");
    expect(explanation).toContain("process 97 wrote 1 (line 1), then wrote 2 (line 3)");
  });

  it("judges each key by itself", () => {
    const [one, two] = [historyOf("a:w1", "x"), historyOf("a:r b:r", "y")];
    const later = two.map((event) => ({ ...event, timeNs: event.timeNs + 10 }));
    expect(checkSession([...one, ...later]).verdict).toBe("unknown");
  });

  it("refuses values that are not unique, other functions and unknown options", () => {
    expect(() => checkSession(historyOf("a:w1 b:w1"))).toThrow("history line 3: writes 1 as line 1 does");
    expect(() => checkSession([{ process: 0, type: "invoke", f: "cas", value: 1, timeNs: 0 }])).toThrow("no function");
    expect(() => checkSession([], { depth: 1 } as SessionCheckOptions)).toThrow("checkSession.depth is no option");
    expect(() => checkSession([], { guarantees: ["all"] as unknown as SessionGuarantee[] })).toThrow(
      "guarantees must be",
    );
  });

  const anyStep = fc.tuple(fc.constantFrom("a", "b", "c"), fc.boolean(), fc.integer({ min: 0, max: 4 }));

  it("finds all four broken together exactly when no order suits them, and less only when it is so", () => {
    let impossible = 0;
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 2, maxLength: 8 }), (steps) => {
        let written = 0;
        const text = steps.map(([session, writes, value]) => {
          if (writes) return `${session}:w${++written}`;
          return value === 0 || value > written ? `${session}:r` : `${session}:r${value}`;
        });
        const { violations } = checkSession(historyOf(text.join(" ")));
        const suits = (guarantees: readonly SessionGuarantee[]): boolean => orderExists(text, written, guarantees);
        for (const { guarantees } of violations) expect(suits(guarantees)).toBe(false);
        const all = suits(["read-your-writes", "monotonic-reads", "monotonic-writes", "writes-follow-reads"]);
        expect(violations.length === 0).toBe(all);
        if (!all) impossible++;
      }),
      { numRuns: 500 },
    );
    expect(impossible).toBeGreaterThan(50);
  });
});

/** Tries every order of the versions on every pair of operations of a session: the definition, word for word. */
function orderExists(text: readonly string[], written: number, guarantees: readonly SessionGuarantee[]): boolean {
  const parsed = text.map((call) => ({ session: call[0], writes: call[2] === "w", value: Number(call.slice(3)) }));
  const claims = parsed.flatMap((later, j) =>
    parsed.slice(0, j).flatMap((earlier) => {
      if (earlier.session !== later.session) return [];
      const [before, after] = [earlier.writes ? "w" : "r", later.writes ? "w" : "r"];
      const name = { wr: "read-your-writes", rr: "monotonic-reads", ww: "monotonic-writes", rw: "writes-follow-reads" };
      const guarantee = name[`${before}${after}` as keyof typeof name] as SessionGuarantee;
      return guarantees.includes(guarantee) ? [[earlier.value, later.value] as const] : [];
    }),
  );
  const holds = (order: readonly number[]): boolean =>
    claims.every(([before, after]) => order.indexOf(before) <= order.indexOf(after));
  const extend = (order: readonly number[]): boolean => {
    if (order.length > written) return holds(order);
    for (let value = 1; value <= written; value++) {
      if (!order.includes(value) && extend([...order, value])) return true;
    }
    return false;
  };
  return extend([0]);
}

describe("checkSession, by version numbers", () => {
  it.each<[string, readonly string[]]>([
    ["a:w1 a:r1 b:r1 b:w2 a:r2", []],
    ["a:w5 a:r4", ["read-your-writes"]],
    ["a:r5 a:r4", ["monotonic-reads"]],
    ["a:r5 a:r5 a:r4 a:r3", ["monotonic-reads"]],
    ["a:w5 a:w4", ["monotonic-writes"]],
    ["a:r5 a:w4", ["writes-follow-reads"]],
    ["a:w2 a:w1 a:r1", ["read-your-writes", "monotonic-writes"]],
  ])("%s", (text, expected) => {
    expect(broken(text, numbered)).toEqual(expected);
  });

  it("leaves out what has no number, and refuses what is none", () => {
    expect(
      broken("a:w5 a:r", {
        versionOf: ({ input, output }: Operation) => (input ?? output ?? undefined) as number | undefined,
      }),
    ).toEqual([]);
    const wrong = { versionOf: () => Number.NaN };
    expect(() => checkSession(historyOf("a:w5"), wrong)).toThrow("history line 1: a version is a number (got NaN)");
  });
});
