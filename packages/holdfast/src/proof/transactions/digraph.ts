/** A directed graph in flat arrays, and which of its edges a walk may take. Its size is that of its edges. */
export interface Walk {
  readonly nodes: number;
  /** The edges that leave a node are `first(node)` up to, not including, `end(node)`. */
  first(node: number): number;
  end(node: number): number;
  /** Where an edge leads from a node; -1 when this walk may not take it. */
  target(node: number, edge: number): number;
}

/** Edges in the order of the nodes that they leave. */
export interface Digraph {
  readonly nodes: number;
  /** By node, and one more for the end. */
  readonly offsets: Int32Array;
  /** By edge. */
  readonly sources: Int32Array;
  readonly targets: Int32Array;
  /** By edge: where it stood in what the graph was made from. */
  readonly origins: Int32Array;
}

export function digraph(nodes: number, from: ArrayLike<number>, to: ArrayLike<number>): Digraph {
  const edges = from.length;
  const offsets = new Int32Array(nodes + 1);
  for (let i = 0; i < edges; i++) offsets[from[i]! + 1]!++;
  for (let node = 0; node < nodes; node++) offsets[node + 1]! += offsets[node]!;
  const places = offsets.slice(0, nodes);
  const [sources, targets, origins] = [new Int32Array(edges), new Int32Array(edges), new Int32Array(edges)];
  for (let i = 0; i < edges; i++) {
    const place = places[from[i]!]!++;
    sources[place] = from[i]!;
    targets[place] = to[i]!;
    origins[place] = i;
  }
  return { nodes, offsets, sources, targets, origins };
}

/** A walk along the edges that are accepted. */
export function walkOver({ nodes, offsets, targets }: Digraph, accepts: (edge: number) => boolean): Walk {
  return {
    nodes,
    first: (node) => offsets[node]!,
    end: (node) => offsets[node + 1]!,
    target: (_, edge) => (accepts(edge) ? targets[edge]! : -1),
  };
}
