/** Steps and what each waits for, by their ids. */
export type StepGraph = ReadonlyMap<string, readonly string[]>;

/**
 * The steps in waves: each wave depends on those before it alone. Names of steps that are not there are passed over. What
 * is left out depends on a cycle (A. B. Kahn, "Topological sorting of large networks", CACM 5(11), 1962).
 */
export function wavesOf(graph: StepGraph): string[][] {
  const left = new Map([...graph].map(([id, needs]) => [id, new Set(needs.filter((need) => graph.has(need)))]));
  const waves: string[][] = [];
  for (;;) {
    const wave = [...left].filter(([, needs]) => needs.size === 0).map(([id]) => id);
    if (wave.length === 0) return waves;
    waves.push(wave);
    for (const id of wave) left.delete(id);
    for (const needs of left.values()) for (const id of wave) needs.delete(id);
  }
}

/** The steps of one cycle in order, the first one again at the end; undefined when there is none. */
export function findCycle(graph: StepGraph): string[] | undefined {
  const sorted = new Set(wavesOf(graph).flat());
  // Every step left depends on one that is left: going on from there must come back.
  let at = [...graph.keys()].find((id) => !sorted.has(id));
  const path: string[] = [];
  while (at !== undefined) {
    const seen = path.indexOf(at);
    if (seen >= 0) return [...path.slice(seen), at];
    path.push(at);
    at = graph.get(at)?.find((need) => graph.has(need) && !sorted.has(need));
  }
  return undefined;
}

/** All that a step waits for, also through others. */
export function ancestorsOf(graph: StepGraph, id: string): Set<string> {
  const found = new Set<string>();
  const open = [...(graph.get(id) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(graph.get(next) ?? []));
  }
  return found;
}
