import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../runtime/index.ts";
import { sizeOf } from "./codec.ts";
import type { MemberState } from "./member.ts";
import type { MemberUpdate } from "./message.ts";
import { supersedes, type Claim } from "./precedence.ts";
import { step } from "./swim-step.ts";
import { createSwim } from "./swim.ts";

const states: readonly MemberState[] = ["alive", "suspect", "dead", "left"];
const claim = fc.record({ incarnation: fc.nat(4), state: fc.constantFrom(...states) });

describe("precedence of claims", () => {
  it.each<[string, Claim, Claim, boolean]>([
    ["suspect over alive of the same incarnation", at(1, "suspect"), at(1, "alive"), true],
    ["alive not over suspect of the same incarnation", at(1, "alive"), at(1, "suspect"), false],
    ["alive over suspect of an earlier one", at(2, "alive"), at(1, "suspect"), true],
    ["suspect of an earlier incarnation not over alive", at(1, "suspect"), at(2, "alive"), false],
    ["dead over suspect", at(1, "dead"), at(1, "suspect"), true],
    ["a farewell over dead", at(1, "left"), at(1, "dead"), true],
    ["alive not over dead of the same incarnation", at(1, "alive"), at(1, "dead"), false],
    ["alive over dead of an earlier one", at(2, "alive"), at(1, "dead"), true],
    ["nothing over itself", at(1, "dead"), at(1, "dead"), false],
  ])("puts %s", (_, challenger, known, expected) => {
    expect(supersedes(challenger, known)).toBe(expected);
  });

  it("is a total order", () => {
    fc.assert(
      fc.property(claim, claim, claim, (a, b, c) => {
        const same = a.incarnation === b.incarnation && a.state === b.state;
        expect(supersedes(a, b) || supersedes(b, a) || same).toBe(true);
        expect(supersedes(a, b) && supersedes(b, a)).toBe(false);
        if (supersedes(a, b) && supersedes(b, c)) expect(supersedes(a, c)).toBe(true);
      }),
    );
  });

  it("leads members that hear the same news in any order, any number of times, to the same belief", () => {
    const news = fc.record({
      name: fc.constantFrom("b", "c"),
      incarnation: fc.nat(4),
      state: fc.constantFrom(...states),
      from: fc.constantFrom("b", "c", "d", "e"),
    });
    const heard = fc
      .array(news, { minLength: 1, maxLength: 12 })
      .chain((list) =>
        fc.tuple(
          fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
          fc.shuffledSubarray([...list, ...list], { minLength: 2 * list.length, maxLength: 2 * list.length }),
        ),
      );
    fc.assert(
      fc.property(heard, ([first, second]) => {
        expect(beliefsAfter(second)).toEqual(beliefsAfter(first));
      }),
      { numRuns: 500 },
    );
  });
});

function at(incarnation: number, state: MemberState): Claim {
  return { incarnation, state };
}

interface News extends Claim {
  readonly name: string;
  readonly from: string;
}

/** What a member that knew b and c believes after hearing the news one by one. */
function beliefsAfter(news: readonly News[]): [string, number, MemberState][] {
  const swim = createSwim({ name: "a", host: "h", port: 1, random: seededRandom(1), sizeOf });
  const from = { host: "h", port: 2 };
  for (const name of ["b", "c"]) {
    step(swim, { type: "receive", now: 0, from, messages: [update({ name, from: "b", ...at(0, "alive") })] });
  }
  for (const item of news) step(swim, { type: "receive", now: 0, from, messages: [update(item)] });
  return ["b", "c"].map((name) => {
    const { member } = swim.records.get(name)!;
    return [name, member.incarnation, member.state];
  });
}

function update({ name, incarnation, state, from }: News): MemberUpdate {
  if (state === "alive") {
    const port = name.codePointAt(0)!;
    return { type: "alive", name, host: "h", port, meta: Uint8Array.of(incarnation), incarnation };
  }
  if (state === "suspect") return { type: "suspect", name, incarnation, from };
  return { type: "dead", name, incarnation, from: state === "left" ? name : otherThan(name, from) };
}

function otherThan(name: string, from: string): string {
  return from === name ? "e" : from;
}
