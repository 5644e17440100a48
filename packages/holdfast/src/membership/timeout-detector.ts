import { InvalidArgumentError } from "../errors/base.ts";
import { checkNumbers } from "./detector-options.ts";
import type { DetectorChange, DetectorState, HeartbeatDetector } from "./failure-detector.ts";
import { WatchedNodes, type Watched } from "./watched-nodes.ts";

export interface TimeoutDetectorOptions {
  /** A node that is silent for so long has failed. Default 10 000. */
  readonly timeoutMs?: number;
  /** A node that is silent for so long is suspect. Default half of `timeoutMs`. */
  readonly suspectAfterMs?: number;
  /** How often `check` is called. One that comes a whole interval late excuses everybody for that time. Default 500. */
  readonly checkIntervalMs?: number;
  /** Default 65 536. */
  readonly maxNodes?: number;
}

export const defaultTimeoutDetectorOptions: Readonly<Required<Omit<TimeoutDetectorOptions, "suspectAfterMs">>> = {
  timeoutMs: 10_000,
  checkIntervalMs: 500,
  maxNodes: 65_536,
};

/**
 * Judges by silence alone: suspect after half the timeout, failed after all of it.
 *
 * @throws InvalidArgumentError when an option is unknown or breaks its rule
 * @example
 * const detector = timeoutDetector({ timeoutMs: 300 });
 * detector.watch("a", 0);
 * detector.heartbeat("a", 100);
 * detector.state("a", 260); // "suspect"
 */
export function timeoutDetector(options: TimeoutDetectorOptions = {}): HeartbeatDetector {
  return new TimeoutDetector(options);
}

class TimeoutDetector implements HeartbeatDetector {
  readonly #timeoutMs: number;
  readonly #suspectAfterMs: number;
  readonly #nodes: WatchedNodes<Watched>;

  constructor(options: TimeoutDetectorOptions) {
    checkNumbers("timeoutDetector", options, {
      timeoutMs: "positive",
      suspectAfterMs: "positive",
      checkIntervalMs: "positive",
      maxNodes: "count",
    });
    const defaults = defaultTimeoutDetectorOptions;
    this.#timeoutMs = options.timeoutMs ?? defaults.timeoutMs;
    this.#suspectAfterMs = options.suspectAfterMs ?? this.#timeoutMs / 2;
    if (this.#suspectAfterMs > this.#timeoutMs) {
      const rule = `must be <= timeoutMs (${this.#timeoutMs})`;
      throw new InvalidArgumentError("timeoutDetector.suspectAfterMs", rule, this.#suspectAfterMs);
    }
    this.#nodes = new WatchedNodes({
      detector: "timeoutDetector",
      maxNodes: options.maxNodes ?? defaults.maxNodes,
      checkIntervalMs: options.checkIntervalMs ?? defaults.checkIntervalMs,
      judge: (node, now) => this.#judge(now - node.heardAt),
    });
  }

  #judge(silentMs: number): DetectorState {
    if (silentMs >= this.#timeoutMs) return "failed";
    return silentMs >= this.#suspectAfterMs ? "suspect" : "healthy";
  }

  watch(name: string, now: number): void {
    this.#nodes.add(name, { heardAt: now, sequence: -1, state: "healthy", failures: 0 });
  }

  unwatch(name: string): void {
    this.#nodes.remove(name);
  }

  heartbeat(name: string, now: number, sequence?: number): boolean {
    const node = this.#nodes.heard(name, sequence);
    if (node === undefined) return false;
    node.heardAt = Math.max(node.heardAt, now);
    return true;
  }

  state(name: string, now: number): DetectorState | undefined {
    return this.#nodes.state(name, now);
  }

  inState(state: DetectorState, now: number): string[] {
    return this.#nodes.inState(state, now);
  }

  check(now: number): DetectorChange[] {
    return this.#nodes.check(now);
  }

  failures(name: string): number {
    return this.#nodes.get(name)?.failures ?? 0;
  }

  resetFailures(name: string): void {
    const node = this.#nodes.get(name);
    if (node !== undefined) node.failures = 0;
  }
}
