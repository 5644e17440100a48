import { dependency, type DependencyBit, type DependencyGraph, type Evidence } from "./dependency-graph.ts";
import { digraph, walkOver, type Digraph, type Walk } from "./digraph.ts";
import type { AnomalyName } from "./isolation-level.ts";
import type { OutsideOrder } from "./outside-orders.ts";
import { pathSearch, type PathSearch } from "./path-search.ts";
import { strongComponents, type Components, type Pulse } from "./strong-components.ts";

/** Why one transaction of a cycle comes before the next. */
export interface CycleStep {
  readonly from: number;
  readonly to: number;
  readonly bit: DependencyBit;
  readonly evidence: Evidence | undefined;
}

/** The last step leads back to where the first begins. */
export interface FoundCycle {
  readonly name: AnomalyName;
  readonly steps: readonly CycleStep[];
}

/** Edges looked at for shorter cycles once each component has one. */
const maxScanned = 4_000_000;
const triesPerComponent = 16;

/**
 * Cycles of every kind that the graph has, at least one of each component that has any, short before long.
 *
 * Whether there are any is decided by strong components, in linear time: those of `ww` edges (G0), of `ww` and `wr`
 * (G1c), of all (G2), and, for what snapshots rule out, those of a graph in which no two `rw` edges follow each other
 * (Fekete et al., "Making snapshot isolation serializable", 2005). Only then a cycle is looked for, to be shown. The
 * orders from outside are looked at where there are no cycles without them.
 */
export function findCycles(graph: DependencyGraph, orders: readonly OutsideOrder[], pulse: Pulse): FoundCycle[] {
  const edges = digraph(graph.nodes, graph.sources, graph.targets);
  const bits = Uint8Array.from(edges.origins, (origin) => graph.bits[origin]!);
  const isPivot = (node: number): boolean => node >= graph.transactions;
  const search = pathSearch(2 * graph.nodes, (state) => isPivot(state >>> 1), pulse);
  const seeker: Seeker = { graph, edges, bits, isPivot, search, pulse };

  const { ww, wr, rw, update } = dependency;
  const stages: readonly Stage[] = [
    { bits: ww, first: ww, sparse: false },
    { bits: ww | wr, first: wr, sparse: false },
    { bits: ww | wr | rw | update, first: rw | update, sparse: true },
    { bits: ww | wr | rw | update, first: rw | update, sparse: false },
  ];
  const found: FoundCycle[] = [];
  /** With how many orders there are cycles that snapshots rule out: from there on others may lie hidden among them. */
  let ruledOut = Infinity;
  for (const stage of stages) {
    let extra = 0;
    for (const [place, order] of [undefined, ...orders].entries()) {
      if (order !== undefined) extra |= dependency[order];
      const cycles = seekCycles(seeker, { ...stage, bits: stage.bits | extra }, place >= ruledOut);
      found.push(...cycles);
      if (cycles.length === 0) continue;
      if (stage.sparse) ruledOut = place;
      break;
    }
  }
  return found.sort((a, b) => a.steps.length - b.steps.length);
}

interface Stage {
  /** Which edges there are. */
  readonly bits: number;
  /** Of which edges a cycle must have one. */
  readonly first: number;
  /** Whether no two `rw` edges may follow each other. */
  readonly sparse: boolean;
}

interface Seeker {
  readonly graph: DependencyGraph;
  readonly edges: Digraph;
  /** By edge. */
  readonly bits: Uint8Array;
  readonly isPivot: (node: number) => boolean;
  readonly search: PathSearch;
  readonly pulse: Pulse;
}

/**
 * States instead of nodes: `2 * node`, and one more after an `rw` edge when those must not follow each other. Beyond a
 * pivot the edge into it goes on.
 */
function stateWalk({ edges, bits, isPivot }: Seeker, stage: Stage): Walk {
  const { offsets, targets } = edges;
  return {
    nodes: 2 * edges.nodes,
    first: (state) => offsets[state >>> 1]!,
    end: (state) => offsets[(state >>> 1) + 1]!,
    target(state, edge) {
      const to = 2 * targets[edge]!;
      if (isPivot(state >>> 1)) return to + (state & 1);
      if ((bits[edge]! & stage.bits) === 0) return -1;
      if (!stage.sparse) return to;
      if (bits[edge] !== dependency.rw) return to;
      return (state & 1) === 1 ? -1 : to + 1;
    },
  };
}

function seekCycles(seeker: Seeker, stage: Stage, mayFail: boolean): FoundCycle[] {
  const walk = stateWalk(seeker, stage);
  const components = strongComponents(stage.sparse ? walk : everyOther(walk), seeker.pulse);
  const best = new Map<number, FoundCycle>();
  if (stage.sparse) {
    // The same with a single rw edge has a name of its own.
    const rest = stateWalk(seeker, { ...stage, bits: stage.bits & ~dependency.rw });
    tryEdges(seeker, stage, components, walk, rest, best, true);
  }
  tryEdges(seeker, stage, components, walk, walk, best, mayFail);
  return [...best.values()];
}

/** Without the states that nobody reaches. */
function everyOther(walk: Walk): Walk {
  return {
    nodes: walk.nodes,
    first: (state) => walk.first(state),
    end: (state) => ((state & 1) === 1 ? walk.first(state) : walk.end(state)),
    target: (state, edge) => walk.target(state, edge),
  };
}

/**
 * Closes a cycle with each edge that may begin one: `walk` takes it, `rest` leads back. Where it may fail it stops at the
 * bound; else each component has a cycle in the end.
 */
function tryEdges(
  seeker: Seeker,
  stage: Stage,
  components: Components,
  walk: Walk,
  rest: Walk,
  best: Map<number, FoundCycle>,
  mayFail: boolean,
): void {
  const { edges, bits, isPivot, search } = seeker;
  const tries = new Map<number, number>();
  const start = search.scanned;
  for (let edge = 0; edge < bits.length; edge++) {
    const from = edges.sources[edge]!;
    if ((bits[edge]! & stage.first) === 0 || isPivot(from)) continue;
    const component = components.of[2 * from]!;
    if (components.sizes[component] === 1) continue;
    const to = walk.target(2 * from, edge);
    if (to < 0 || components.of[to] !== component) continue;
    const shortest = best.get(component)?.steps.length ?? Infinity;
    const tried = tries.get(component) ?? 0;
    if (shortest === 2 || (!mayFail && shortest < Infinity && tried >= triesPerComponent)) continue;
    if (search.scanned - start > maxScanned && (mayFail || shortest < Infinity)) continue;
    tries.set(component, tried + 1);
    const back = search.find(to, 2 * from, rest, (state) => components.of[state] === component);
    if (back === undefined) continue;
    const steps = stepsOf(seeker, [edge, ...back]);
    const name = nameOf(steps, stage.sparse);
    // A cycle of another kind is found, and named, at its own stage.
    if ((stage.first & dependency.rw) !== 0 && !stage.sparse && !name.startsWith("G2")) continue;
    if (steps.length < shortest) best.set(component, { name, steps });
  }
}

/** Joins what goes through pivots: its kind is the first edge's, its evidence the last one's. */
function stepsOf({ graph, edges, bits, isPivot }: Seeker, path: readonly number[]): CycleStep[] {
  const steps: CycleStep[] = [];
  let first = path[0]!;
  let entered = true;
  for (const edge of path) {
    if (entered) first = edge;
    entered = !isPivot(edges.targets[edge]!);
    if (!entered) continue;
    const evidence = graph.evidence[edges.origins[edge]!];
    const [from, to] = [edges.sources[first]!, edges.targets[edge]!];
    steps.push({ from, to, bit: bits[first] as DependencyBit, evidence });
  }
  return steps;
}

function nameOf(steps: readonly CycleStep[], sparse: boolean): AnomalyName {
  const has = (bit: DependencyBit): boolean => steps.some((step) => step.bit === bit);
  const base = baseName(steps, sparse, has(dependency.wr));
  if (has(dependency.realtime)) return `${base}-realtime`;
  return has(dependency.process) ? `${base}-process` : base;
}

type BaseName = "G0" | "G1c" | "G-single" | "G-nonadjacent" | "G2-item";

function baseName(steps: readonly CycleStep[], sparse: boolean, reads: boolean): BaseName {
  const skips = ({ bit }: CycleStep): boolean => bit === dependency.rw;
  const count = steps.filter(skips).length;
  if (count > 1) {
    const adjacent = steps.some((step, i) => skips(step) && skips(steps[(i + 1) % steps.length]!));
    return adjacent ? "G2-item" : "G-nonadjacent";
  }
  if (count === 1 || sparse) return "G-single";
  return reads ? "G1c" : "G0";
}

/** A short cycle of each component of a graph without pivots; an edge from a node to itself is one. */
export function componentCycles(edges: Digraph, pulse: Pulse): { readonly edges: readonly number[] }[] {
  const walk = walkOver(edges, () => true);
  const components = strongComponents(walk, pulse);
  const search = pathSearch(edges.nodes, () => false, pulse);
  const best = new Map<number, readonly number[]>();
  for (let edge = 0; edge < edges.targets.length; edge++) {
    const [from, to] = [edges.sources[edge]!, edges.targets[edge]!];
    const component = components.of[from]!;
    if (components.of[to] !== component) continue;
    const known = best.get(component);
    if (known !== undefined && (known.length <= 2 || search.scanned > maxScanned)) continue;
    const back = search.find(to, from, walk, (node) => components.of[node] === component);
    if (back !== undefined && back.length + 1 < (known?.length ?? Infinity)) best.set(component, [edge, ...back]);
  }
  return [...best.values()].map((path) => ({ edges: path }));
}
