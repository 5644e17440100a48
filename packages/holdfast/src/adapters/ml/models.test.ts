import { describe, expect, it } from "vitest";
import type { PredictionModelFactory } from "../../errors/index.ts";
import { seededRandom } from "../../runtime/index.ts";
import { decisionTreeModel, neuralNetworkModel } from "./index.ts";

const models = [
  ["decision tree", decisionTreeModel],
  ["neural network", neuralNetworkModel],
] as const;

/** It happens when the first feature is neither low nor high; the others say nothing. No straight line parts these. */
function train(factory: PredictionModelFactory, seed: number): (features: readonly number[]) => number | undefined {
  const random = seededRandom(seed);
  const model = factory(3);
  for (let i = 0; i < 1_000; i++) {
    const [a, b, noise] = [random.next(), random.next(), 100 * random.next()];
    model.learn(Float64Array.of(a, b, noise), a > 0.3 && a < 0.7);
  }
  return (features) => model.probability(Float64Array.from(features));
}

describe.each(models)("%s", (name, make) => {
  it("learns what no straight line can tell", async () => {
    const options = name === "neural network" ? { epochs: 150 } : { minLeaf: 5, maxDepth: 6 };
    const factory = await make(options);
    const probability = train(factory, 1);
    for (const a of [0.05, 0.95]) expect(probability([a, 0.5, 50])).toBeLessThan(0.2);
    expect(probability([0.5, 0.5, 50])).toBeGreaterThan(0.8);
    expect(factory(3).name).toBe(name);
  });

  it("says the same after the same examples", async () => {
    const one = train(await make({ maxExamples: 300 }), 2);
    const two = train(await make({ maxExamples: 300 }), 2);
    for (const a of [0.1, 0.4, 0.9]) expect(one([a, 0.3, 7])).toBe(two([a, 0.3, 7]));
  });

  it("says nothing before it has seen both outcomes, and is never certain", async () => {
    const model = (await make())(1);
    expect(model.probability(Float64Array.of(1))).toBeUndefined();
    for (let i = 0; i < 50; i++) model.learn(Float64Array.of(i), false);
    expect(model.probability(Float64Array.of(1))).toBeUndefined();
    for (let i = 50; i < 100; i++) model.learn(Float64Array.of(i), true);
    const [low, high] = [model.probability(Float64Array.of(0)), model.probability(Float64Array.of(99))];
    expect(low).toBeGreaterThan(0);
    expect(high).toBeLessThan(1);
    expect(high).toBeGreaterThan(low as number);
  });

  it("refuses options that make no sense", async () => {
    await expect(make({ maxExamples: 0 })).rejects.toThrow(".maxExamples must be an integer >= 1 (got 0)");
    await expect(make({ depth: 3 } as never)).rejects.toThrow(".depth is no option");
    await expect(make([] as never)).rejects.toThrow("options must be an object");
  });
});
