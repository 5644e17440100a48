import type { Fault } from "./fault.ts";
import type { SimulatedProcess } from "../runtime/index.ts";
import type { MessageFaults } from "./message-tap.ts";

/** One node that faults strike. */
export interface FaultTarget {
  readonly process: SimulatedProcess;
  /** Starts it again after it went down. */
  start(): void;
  /** Takes it down; without it, the process is crashed (`power`) or killed. */
  stop?(how: "power" | "kill"): void;
  /** Where its messages pass on their way out; without one, it cannot be Byzantine. */
  readonly taps?: readonly MessageFaults[];
}

/** The tested system, as faults see it. */
export interface FaultTargets {
  readonly nodes: ReadonlyMap<string, FaultTarget>;
  /** Targets that are known only when the moment has come. */
  readonly selectors?: Readonly<Record<string, Selector>>;
  /** Tells the others that a node has stopped, or is back: what makes a stop a fail-stop. */
  announce?(name: string, state: "stopped" | "back"): void;
  /** Told when a fault begins at these targets; what it returns is called when the fault is over. */
  onFault?(fault: Fault, names: readonly string[]): () => void;
}

/**
 * Finds targets: calls `found` with their names, once, now or when they are there. Returns what ends the search, unless
 * it is over.
 */
export type Selector = (found: (names: readonly string[]) => void) => (() => void) | undefined;
