import { InvalidArgumentError } from "../errors/base.ts";
import type { DetectorChange, DetectorState } from "./failure-detector.ts";

/** What every detector keeps of a node. */
export interface Watched {
  heardAt: number;
  sequence: number;
  /** As of the last check. */
  state: DetectorState;
  failures: number;
}

export interface WatchedNodesOptions<Node extends Watched> {
  /** Names the option in errors. */
  readonly detector: string;
  readonly maxNodes: number;
  /** How often `check` is called; a check much later means that this process was held up. */
  readonly checkIntervalMs: number;
  readonly judge: (node: Node, now: number) => DetectorState;
}

/** The nodes of a heartbeat detector: who is watched, when each was heard, and what has changed. */
export class WatchedNodes<Node extends Watched> {
  readonly #options: WatchedNodesOptions<Node>;
  readonly #nodes = new Map<string, Node>();
  #checkedAt = Number.NaN;

  constructor(options: WatchedNodesOptions<Node>) {
    this.#options = options;
  }

  get(name: string): Node | undefined {
    return this.#nodes.get(name);
  }

  add(name: string, node: Node): void {
    const { detector, maxNodes } = this.#options;
    if (this.#nodes.has(name)) return;
    if (this.#nodes.size >= maxNodes) {
      throw new InvalidArgumentError(`${detector}.watch`, `must not exceed maxNodes (${maxNodes})`, name);
    }
    this.#nodes.set(name, node);
  }

  remove(name: string): void {
    this.#nodes.delete(name);
  }

  /** The node, when this heartbeat of it counts. */
  heard(name: string, sequence: number | undefined): Node | undefined {
    const node = this.#nodes.get(name);
    if (node === undefined || sequence === undefined) return node;
    if (sequence <= node.sequence) return undefined;
    node.sequence = sequence;
    return node;
  }

  state(name: string, now: number): DetectorState | undefined {
    const node = this.#nodes.get(name);
    return node && this.#options.judge(node, now);
  }

  inState(state: DetectorState, now: number): string[] {
    return [...this.#nodes].filter(([, node]) => this.#options.judge(node, now) === state).map(([name]) => name);
  }

  check(now: number): DetectorChange[] {
    this.#excuse(now);
    const changes: DetectorChange[] = [];
    for (const [name, node] of this.#nodes) {
      const { state: from, heardAt } = node;
      const to = this.#options.judge(node, now);
      if (to === from) continue;
      node.state = to;
      if (to === "failed") node.failures++;
      changes.push({ name, from, to, heardAt });
    }
    return changes;
  }

  /** While this process stood still no heartbeat could be taken in: nobody is blamed for that time. */
  #excuse(now: number): void {
    const { checkIntervalMs } = this.#options;
    const lateMs = now - this.#checkedAt - checkIntervalMs;
    this.#checkedAt = now;
    if (!(lateMs > checkIntervalMs)) return;
    for (const node of this.#nodes.values()) node.heardAt = Math.min(now, node.heardAt + lateMs);
  }
}
