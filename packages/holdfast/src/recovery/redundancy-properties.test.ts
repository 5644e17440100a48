import { getEventListeners } from "node:events";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../testing/index.ts";
import { NoAgreementError } from "./redundancy-error.ts";
import { redundancy } from "./redundancy.ts";
import type { Decision } from "./redundant-call.ts";

/** What a node does when it is asked. */
type Behaviour =
  | { readonly type: "answer"; readonly ms: number; readonly value: string }
  | { readonly type: "fail"; readonly ms: number }
  | { readonly type: "silent" };

interface Outcome {
  readonly decision: Decision<string> | undefined;
  readonly error: unknown;
  readonly at: number;
}

const ms = fc.integer({ min: 1, max: 200 });
const honest: fc.Arbitrary<Behaviour> = fc.record({
  type: fc.constant("answer" as const),
  ms,
  value: fc.constant("truth"),
});
/** They lie together: the worst that they can do to a vote. */
const liar: fc.Arbitrary<Behaviour> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant("answer" as const), ms, value: fc.constant("lie") }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("answer" as const), ms, value: fc.constant("another lie") }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("fail" as const), ms }) },
  { weight: 1, arbitrary: fc.constant({ type: "silent" as const }) },
);
const anybody = fc.oneof(honest, liar);

const timeoutMs = 500;

/** Runs one call, and checks what is true of every call. */
async function run(behaviours: readonly Behaviour[], primaries: number, level: number): Promise<Outcome> {
  const clock = new VirtualClock();
  const names = behaviours.map((_, at) => `n${at}`);
  const asked: string[] = [];
  const aborted: string[] = [];
  const ended: string[] = [];
  const group = redundancy({
    primaries: names.slice(0, primaries),
    backups: names.slice(primaries),
    level,
    timeoutMs,
    clock,
  });
  const { signal } = new AbortController();
  const outcomes: Outcome[] = [];
  group
    .decide(
      async ({ node, signal }) => {
        asked.push(node);
        signal.addEventListener("abort", () => aborted.push(node));
        const behaviour = behaviours[names.indexOf(node)] as Behaviour;
        if (behaviour.type === "silent") return new Promise<string>(() => undefined);
        await clock.sleep(behaviour.ms);
        ended.push(node);
        if (behaviour.type === "fail") throw new Error(`${node} is broken`);
        return behaviour.value;
      },
      { signal },
    )
    .then(
      (decision) => outcomes.push({ decision, error: undefined, at: clock.now() }),
      (error: unknown) => outcomes.push({ decision: undefined, error, at: clock.now() }),
    );
  // Every millisecond, so that the outcome has its time.
  for (let passed = 0; passed <= timeoutMs * behaviours.length && outcomes.length === 0; passed++) {
    await clock.advance(1);
  }
  const outcome = outcomes[0];
  if (outcome === undefined) throw new Error("the call does not end");
  // Whoever was asked has ended or was told to stop, and nobody was asked twice.
  expect(new Set(asked).size).toBe(asked.length);
  expect(asked.filter((node) => !ended.includes(node)).toSorted()).toEqual(
    aborted.filter((node) => !ended.includes(node)).toSorted(),
  );
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
  await clock.advance(timeoutMs);
  expect(clock.pending).toBe(0);
  const { decision, error } = outcome;
  if (decision === undefined) {
    expect(error).toBeInstanceOf(NoAgreementError);
    const { votes, failures } = error as NoAgreementError;
    const counted = [...votes.flat(), ...failures.map(({ node }) => node)];
    expect(new Set(counted).size).toBe(counted.length);
    for (const nodes of votes) expect(nodes.length).toBeLessThan(level);
  } else {
    const { value, agreed, suspects, failures } = decision;
    const counted = [...agreed, ...suspects, ...failures.map(({ node }) => node)];
    expect(new Set(counted).size).toBe(counted.length);
    expect(agreed).toHaveLength(level);
    for (const node of agreed) expect(behaviours[names.indexOf(node)]).toMatchObject({ value });
    for (const node of suspects) expect(behaviours[names.indexOf(node)]).not.toMatchObject({ value });
  }
  return outcome;
}

const runs = { numRuns: 150 };

describe("redundancy", { timeout: 60_000 }, () => {
  it("is right about as many honest nodes as the level, whatever level - 1 liars do", async () => {
    let lies = 0;
    const drawn = fc.integer({ min: 1, max: 4 }).chain((level) =>
      fc.record({
        level: fc.constant(level),
        nodes: fc
          .tuple(
            fc.array(honest, { minLength: level, maxLength: level + 2 }),
            fc.array(liar, { minLength: level - 1, maxLength: level - 1 }),
          )
          .chain(([good, bad]) => fc.shuffledSubarray([...good, ...bad], { minLength: good.length + bad.length })),
        backups: fc.nat(2),
      }),
    );
    await fc.assert(
      fc.asyncProperty(drawn, async ({ level, nodes, backups }) => {
        const primaries = Math.max(level, nodes.length - backups);
        lies += nodes.filter(({ type }) => type !== "silent").length;
        const { decision } = await run(nodes, primaries, level);
        expect(decision?.value).toBe("truth");
      }),
      runs,
    );
    expect(lies).toBeGreaterThan(0);
  });

  it("never gives an answer that fewer than the level gave, whoever lies, and always ends", async () => {
    const ends = { agreed: 0, notAgreed: 0 };
    const drawn = fc
      .array(anybody, { minLength: 1, maxLength: 7 })
      .chain((nodes) => fc.tuple(fc.constant(nodes), fc.integer({ min: 1, max: nodes.length })))
      .chain(([nodes, primaries]) =>
        fc.tuple(fc.constant(nodes), fc.constant(primaries), fc.integer({ min: 1, max: primaries })),
      );
    await fc.assert(
      fc.asyncProperty(drawn, async ([nodes, primaries, level]) => {
        const { decision } = await run(nodes, primaries, level);
        ends[decision === undefined ? "notAgreed" : "agreed"]++;
      }),
      runs,
    );
    expect(Math.min(ends.agreed, ends.notAgreed)).toBeGreaterThan(0);
  });

  it("without backups, ends at the moment when it is decided one way or the other", async () => {
    const drawn = fc
      .array(anybody, { minLength: 1, maxLength: 6 })
      .chain((nodes) => fc.tuple(fc.constant(nodes), fc.integer({ min: 1, max: nodes.length })));
    await fc.assert(
      fc.asyncProperty(drawn, async ([nodes, level]) => {
        const { decision, at } = await run(nodes, nodes.length, level);
        const timeOf = (each: Behaviour): number => (each.type === "silent" ? timeoutMs : each.ms);
        let expected: [number, boolean] | undefined;
        for (const now of [...new Set(nodes.map(timeOf))].toSorted((a, b) => a - b)) {
          const votes = new Map<string, number>();
          for (const each of nodes) {
            if (each.type === "answer" && each.ms <= now) votes.set(each.value, (votes.get(each.value) ?? 0) + 1);
          }
          const most = Math.max(0, ...votes.values());
          const open = nodes.filter((each) => timeOf(each) > now).length;
          if (most >= level || most + open < level) {
            expected = [now, most >= level];
            break;
          }
        }
        expect([at, decision !== undefined]).toEqual(expected);
      }),
      runs,
    );
  });
});
