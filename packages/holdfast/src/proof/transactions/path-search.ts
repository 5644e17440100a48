import type { Walk } from "./digraph.ts";
import type { Pulse } from "./strong-components.ts";

/** Shortest paths, one after the other, in the same memory. */
export interface PathSearch {
  /** Edges looked at so far. */
  readonly scanned: number;
  /**
   * The edges of a shortest path, undefined when there is none. Leaving a free node costs nothing; only nodes that are
   * `inside` are entered.
   */
  find(start: number, goal: number, walk: Walk, inside: (node: number) => boolean): number[] | undefined;
}

const edgesBetweenPulses = 65_536;

/** Breadth first; `isFree` tells the pivots. */
export function pathSearch(nodes: number, isFree: (node: number) => boolean, pulse: Pulse): PathSearch {
  /** By node: the search that last reached it, and the one that last noted it for the next level. */
  const seen = new Int32Array(nodes);
  const noted = new Int32Array(nodes);
  const cameBy = new Int32Array(nodes);
  const cameFrom = new Int32Array(nodes);
  let search = 0;
  let scanned = 0;

  const trace = (start: number, goal: number): number[] => {
    const edges: number[] = [];
    for (let node = goal; node !== start; node = cameFrom[node]!) edges.push(cameBy[node]!);
    return edges.reverse();
  };

  return {
    get scanned() {
      return scanned;
    },
    find(start, goal, walk, inside) {
      search++;
      let level = [start];
      while (level.length > 0) {
        const next: number[] = [];
        // Grows while it is gone through. What a free node leads to belongs to the same level, noted for the next or not.
        for (let i = 0; i < level.length; i++) {
          const node = level[i]!;
          if (seen[node] === search) continue;
          seen[node] = search;
          if (node === goal) return trace(start, goal);
          const free = isFree(node);
          for (let edge = walk.first(node); edge < walk.end(node); edge++) {
            if (++scanned % edgesBetweenPulses === 0) pulse();
            const target = walk.target(node, edge);
            if (target < 0 || seen[target] === search || !inside(target)) continue;
            if (noted[target] === search && !free) continue;
            noted[target] = search;
            cameBy[target] = edge;
            cameFrom[target] = node;
            if (free) level.push(target);
            else next.push(target);
          }
        }
        level = next;
      }
      return undefined;
    },
  };
}
