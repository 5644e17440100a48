import { InvalidArgumentError } from "../errors/base.ts";
import { ArrivalHistory } from "./arrival-history.ts";
import { checkNumbers } from "./detector-options.ts";
import type { DetectorChange, DetectorState, HeartbeatDetector } from "./failure-detector.ts";
import { WatchedNodes, type Watched } from "./watched-nodes.ts";

export interface PhiDetectorOptions {
  /** A node has failed when phi reaches this; 8 is wrong once in 10^8 heartbeats if they are as regular as they were. Default 8. */
  readonly threshold?: number;
  /** A node is suspect when phi reaches this. Default half of `threshold`. */
  readonly suspectThreshold?: number;
  /** Intervals between heartbeats that are remembered for each node. Default 1 000. */
  readonly maxSamples?: number;
  /** Heartbeats are never thought to be more regular than this. Default 100. */
  readonly minDeviationMs?: number;
  /** A pause that comes on top of the mean interval without suspicion, as for a garbage collection. Default 3 000. */
  readonly acceptablePauseMs?: number;
  /** The interval assumed before any was seen. Default 1 000. */
  readonly firstIntervalMs?: number;
  /** How often `check` is called. One that comes a whole interval late excuses everybody for that time. Default 500. */
  readonly checkIntervalMs?: number;
  /** Default 65 536. */
  readonly maxNodes?: number;
}

export const defaultPhiDetectorOptions: Readonly<Required<Omit<PhiDetectorOptions, "suspectThreshold">>> = {
  threshold: 8,
  maxSamples: 1_000,
  minDeviationMs: 100,
  acceptablePauseMs: 3_000,
  firstIntervalMs: 1_000,
  checkIntervalMs: 500,
  maxNodes: 65_536,
};

/** A detector that can also say how sure it is. */
export interface PhiDetector extends HeartbeatDetector {
  /** −log10 of the chance that a node that lives is silent for so long; undefined when the node is not watched. */
  phi(name: string, now: number): number | undefined;
}

/**
 * Judges silence by how regular the heartbeats were: the phi accrual detector (Hayashibara, Défago, Yared and Katayama,
 * SRDS 2004) as Akka defines it, with a logistic approximation of the normal distribution.
 *
 * @throws InvalidArgumentError when an option is unknown or breaks its rule
 * @example
 * const detector = phiDetector({ acceptablePauseMs: 0 });
 * detector.watch("a", 0);
 * for (let now = 1_000; now <= 10_000; now += 1_000) detector.heartbeat("a", now);
 * detector.state("a", 10_500); // "healthy"
 * detector.state("a", 13_000); // "failed"
 */
export function phiDetector(options: PhiDetectorOptions = {}): PhiDetector {
  return new AccrualDetector(options);
}

/** Phi after `silentMs`, for intervals of this mean and deviation. */
export function phiOf(silentMs: number, meanMs: number, deviationMs: number): number {
  const y = (silentMs - meanMs) / deviationMs;
  const e = Math.exp(-y * (1.597_6 + 0.070_566 * y * y));
  // Each form where the other would subtract nearly equal numbers.
  return silentMs > meanMs ? -Math.log10(e / (1 + e)) : -Math.log10(1 - 1 / (1 + e)) + 0;
}

interface PhiNode extends Watched {
  readonly history: ArrivalHistory;
  /** The first heartbeat ends no interval between heartbeats. */
  begun: boolean;
}

class AccrualDetector implements PhiDetector {
  readonly #options: Required<PhiDetectorOptions>;
  readonly #nodes: WatchedNodes<PhiNode>;

  constructor(options: PhiDetectorOptions) {
    checkNumbers("phiDetector", options, {
      threshold: "positive",
      suspectThreshold: "positive",
      maxSamples: "count",
      minDeviationMs: "positive",
      acceptablePauseMs: "zeroOrMore",
      firstIntervalMs: "positive",
      checkIntervalMs: "positive",
      maxNodes: "count",
    });
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const settings = { ...defaultPhiDetectorOptions, ...(given as PhiDetectorOptions) };
    this.#options = { ...settings, suspectThreshold: settings.suspectThreshold ?? settings.threshold / 2 };
    const { threshold, suspectThreshold, maxNodes, checkIntervalMs } = this.#options;
    if (suspectThreshold > threshold) {
      const rule = `must be <= threshold (${threshold})`;
      throw new InvalidArgumentError("phiDetector.suspectThreshold", rule, suspectThreshold);
    }
    const judge = (node: PhiNode, now: number): DetectorState => this.#judge(this.#phi(node, now));
    this.#nodes = new WatchedNodes({ detector: "phiDetector", maxNodes, checkIntervalMs, judge });
  }

  #judge(phi: number): DetectorState {
    const { threshold, suspectThreshold } = this.#options;
    if (phi >= threshold) return "failed";
    return phi >= suspectThreshold ? "suspect" : "healthy";
  }

  #phi({ history, heardAt }: PhiNode, now: number): number {
    const { acceptablePauseMs, minDeviationMs } = this.#options;
    return phiOf(now - heardAt, history.mean + acceptablePauseMs, Math.max(minDeviationMs, history.deviation));
  }

  watch(name: string, now: number): void {
    const { firstIntervalMs, maxSamples } = this.#options;
    const history = new ArrivalHistory(maxSamples);
    // Two samples around the guess: a mean and a deviation that the first real ones soon outweigh.
    history.add(firstIntervalMs * 0.75);
    history.add(firstIntervalMs * 1.25);
    this.#nodes.add(name, { heardAt: now, sequence: -1, state: "healthy", failures: 0, history, begun: false });
  }

  unwatch(name: string): void {
    this.#nodes.remove(name);
  }

  heartbeat(name: string, now: number, sequence?: number): boolean {
    const node = this.#nodes.heard(name, sequence);
    if (node === undefined) return false;
    // The gap that a failure leaves says nothing about how regular heartbeats are.
    const regular = node.begun && now > node.heardAt && this.#phi(node, now) < this.#options.threshold;
    if (regular) node.history.add(now - node.heardAt);
    node.begun = true;
    node.heardAt = Math.max(node.heardAt, now);
    return true;
  }

  phi(name: string, now: number): number | undefined {
    const node = this.#nodes.get(name);
    return node && this.#phi(node, now);
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
