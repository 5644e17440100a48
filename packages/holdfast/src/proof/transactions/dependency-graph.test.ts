import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DependencyGraph } from "./dependency-graph.ts";
import { digraph, walkOver } from "./digraph.ts";
import { pathSearch } from "./path-search.ts";
import { strongComponents } from "./strong-components.ts";

const nothing = (): void => {};

describe("addOverwrites", () => {
  it("puts each reader before each writer but itself, with edges as many as both together", () => {
    const chosen = fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 60 });
    let chains = 0;
    fc.assert(
      fc.property(chosen, chosen, (readers, writers) => {
        const graph = new DependencyGraph(60);
        const overwrites = writers.map((writer) => ({ writer, value: writer }));
        graph.addOverwrites("x", null, readers, overwrites);
        expect(graph.sources.length).toBeLessThanOrEqual(4 * (readers.length + writers.length));
        if (graph.nodes > 60) chains++;
        const edges = digraph(graph.nodes, graph.sources, graph.targets);
        for (const reader of readers) {
          const reached = reachable(edges, reader);
          expect(reached).toEqual(new Set(writers.filter((writer) => writer !== reader)));
        }
      }),
      { numRuns: 200 },
    );
    expect(chains).toBeGreaterThan(20);
  });

  /** The transactions that a reader comes before, by way of pivots alone. */
  function reachable(edges: ReturnType<typeof digraph>, from: number): Set<number> {
    const found = new Set<number>();
    const open = [from];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (let edge = edges.offsets[node]!; edge < edges.offsets[node + 1]!; edge++) {
        const target = edges.targets[edge]!;
        if (target >= 60) open.push(target);
        else found.add(target);
      }
    }
    return found;
  }
});

const anyGraph = fc.array(fc.tuple(fc.integer({ min: 0, max: 11 }), fc.integer({ min: 0, max: 11 })), {
  maxLength: 30,
});

/** Steps from each node to each, Infinity where there is no way: all pairs, word for word. */
function distances(edges: readonly (readonly [number, number])[], cost: (node: number) => number): number[][] {
  const steps = Array.from({ length: 12 }, (_, i) => Array.from({ length: 12 }, (_, j) => (i === j ? 0 : Infinity)));
  for (const [from, to] of edges) steps[from]![to] = Math.min(steps[from]![to]!, cost(from));
  for (let k = 0; k < 12; k++) {
    for (const row of steps) for (let j = 0; j < 12; j++) row[j] = Math.min(row[j]!, row[k]! + steps[k]![j]!);
  }
  return steps;
}

describe("strongComponents", () => {
  it("puts together what lies on cycles together", () => {
    fc.assert(
      fc.property(anyGraph, (edges) => {
        const graph = digraph(
          12,
          edges.map(([from]) => from),
          edges.map(([, to]) => to),
        );
        const { of, sizes } = strongComponents(
          walkOver(graph, () => true),
          nothing,
        );
        const steps = distances(edges, () => 1);
        const together = steps.map((row, i) => row.map((there, j) => there < Infinity && steps[j]![i]! < Infinity));
        expect(steps.map((row, i) => row.map((_, j) => of[i] === of[j]))).toEqual(together);
        expect(Array.from(of, (component) => sizes[component])).toEqual(
          together.map((row) => row.filter(Boolean).length),
        );
      }),
      { numRuns: 200 },
    );
  });

  it("needs no stack for a cycle of 200 000 nodes, and asks whether it may go on", () => {
    const count = 200_000;
    const from = Int32Array.from({ length: count }, (_, i) => i);
    const to = from.map((node) => (node + 1) % count);
    let pulses = 0;
    const { sizes } = strongComponents(
      walkOver(digraph(count, from, to), () => true),
      () => pulses++,
    );
    expect([...sizes]).toEqual([count]);
    expect(pulses).toBeGreaterThan(2);
  });
});

describe("pathSearch", () => {
  it("finds a shortest path, where leaving free nodes costs nothing", () => {
    fc.assert(
      fc.property(anyGraph, (edges) => {
        const graph = digraph(
          12,
          edges.map(([from]) => from),
          edges.map(([, to]) => to),
        );
        const isFree = (node: number): boolean => node >= 8;
        const search = pathSearch(12, isFree, nothing);
        const steps = distances(edges, (node) => (isFree(node) ? 0 : 1));
        const walk = walkOver(graph, () => true);
        const found = steps.map((row, start) =>
          row.map((_, goal) => {
            const path = search.find(start, goal, walk, () => true);
            return path?.filter((edge) => !isFree(graph.sources[edge]!)).length ?? Infinity;
          }),
        );
        expect(found).toEqual(steps);
      }),
      { numRuns: 100 },
    );
  });
});
