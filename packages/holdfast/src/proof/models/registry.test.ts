import { describe, expect, it } from "vitest";
import { seededRandom } from "../../runtime/index.ts";
import { checkLinearizable } from "../linearizability.ts";
import type { Model } from "../model.ts";
import { isLinearizable } from "../testing/definition.ts";
import { chance, pick } from "../testing/draw.ts";
import { drawHistory, drawShape, drawSmallShape, eventsOf, type DrawnOperation } from "../testing/drawn-history.ts";
import { mutate } from "../testing/mutate.ts";
import { subjects } from "../testing/subjects.ts";
import { models, type ModelName } from "./registry.ts";

const names = Object.keys(models) as ModelName[];

const verdictOf = (name: ModelName, operations: readonly DrawnOperation[]): string =>
  checkLinearizable(models[name](), eventsOf(operations)).verdict;

describe.each(names)("the model %s", (name) => {
  const { reference, plants } = subjects[name];

  it("accepts what its object did, and nothing planted in it", () => {
    const planted = new Map(Object.keys(plants).map((kind) => [kind, 0]));
    for (let seed = 1; seed <= 100; seed++) {
      const random = seededRandom(seed);
      const operations = drawHistory(reference, drawShape(random), random);
      expect(verdictOf(name, operations), `seed ${seed}`).toBe("ok");
      const kind = pick(random, Object.keys(plants));
      if (!plants[kind]!(operations, random)) continue;
      planted.set(kind, planted.get(kind)! + 1);
      expect(verdictOf(name, operations), `seed ${seed}, ${kind}`).toBe("violation");
    }
    expect(Math.min(...planted.values())).toBeGreaterThan(2);
  });

  it("has plants that the definition refuses", () => {
    let planted = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const random = seededRandom(seed);
      const operations = drawHistory(reference, drawSmallShape(random), random);
      expect(isLinearizable(reference, operations), `seed ${seed}`).toBe(true);
      const kind = pick(random, Object.keys(plants));
      if (!plants[kind]!(operations, random)) continue;
      planted++;
      expect(isLinearizable(reference, operations), `seed ${seed}, ${kind}`).toBe(false);
      expect(verdictOf(name, operations), `seed ${seed}, ${kind}`).toBe("violation");
    }
    expect(planted).toBeGreaterThan(10);
  });

  it("judges mutants as the definition does", () => {
    let wrong = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const random = seededRandom(seed);
      const drawn = drawHistory(reference, drawSmallShape(random), random);
      const operations = mutate(name, mutate(name, drawn, random), random);
      const isRight = isLinearizable(reference, operations);
      if (!isRight) wrong++;
      expect(verdictOf(name, operations), `seed ${seed}`).toBe(isRight ? "ok" : "violation");
    }
    expect(wrong).toBeGreaterThan(5);
  });
});

/** Texts in place of numbers: each its own, or such that what was appended cannot be told from the whole. */
function withTexts(value: unknown, textOf: (number: number) => string): unknown {
  if (Array.isArray(value)) return value.map((part: number) => textOf(part)).join("");
  return typeof value === "number" ? textOf(value) : value;
}

describe("what a model foresees", () => {
  const foreseeing = names.filter((name) => models[name]().startForeseeing !== undefined);

  function compare(model: Model, operations: readonly DrawnOperation[], where: string): "ok" | "violation" | "unknown" {
    const events = eventsOf(operations);
    const { verdict } = checkLinearizable(model, events);
    const plain = { name: model.name, start: () => model.start() };
    expect(checkLinearizable(plain, events).verdict, where).toBe(verdict);
    return verdict;
  }

  it.each(foreseeing)("does not change the verdict of %s", (name) => {
    const verdicts = { ok: 0, violation: 0, unknown: 0 };
    for (let seed = 1; seed <= 150; seed++) {
      const random = seededRandom(seed);
      const shape = { clients: 4, operations: 14, keys: 1, unknown: 0.15, failed: 0.05 };
      const operations = mutate(name, drawHistory(subjects[name].reference, shape, random), random);
      // Values that come twice are known less well.
      if (chance(random, 0.3)) for (const operation of operations) halve(operation);
      verdicts[compare(models[name](), operations, `seed ${seed}`)]++;
    }
    expect(Math.min(verdicts.ok, verdicts.violation)).toBeGreaterThan(20);
    expect(verdicts.unknown).toBe(0);
  });

  it.each([
    ["apart", (number: number) => `<${number}>`],
    ["alike", (number: number) => "ab".repeat(1 + (number % 3)).slice(number % 2)],
  ])("does not change the verdict of texts that are %s", (_, textOf) => {
    const verdicts = { ok: 0, violation: 0, unknown: 0 };
    for (let seed = 1; seed <= 150; seed++) {
      const random = seededRandom(seed);
      const shape = { clients: 4, operations: 14, keys: 1, unknown: 0.15, failed: 0.05 };
      const lists = mutate("kv-append", drawHistory(subjects["kv-append"].reference, shape, random), random);
      const operations = lists.map((o) => ({
        ...o,
        input: withTexts(o.input, textOf),
        output: withTexts(o.output, textOf),
      }));
      verdicts[compare(models["kv-append"](), operations, `seed ${seed}`)]++;
    }
    expect(Math.min(verdicts.ok, verdicts.violation)).toBeGreaterThan(20);
    expect(verdicts.unknown).toBe(0);
  });
});

/** Makes pairs of values one. */
function halve(operation: DrawnOperation): void {
  const half = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(half) : typeof value === "number" ? value >> 1 : value;
  operation.input = half(operation.input);
  operation.output = half(operation.output);
}

it("has every model under its name", () => {
  expect(names.map((name) => models[name]().name)).toEqual(names);
});
