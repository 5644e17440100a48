import type { RuleResult } from "./drill-rule.ts";
import type { DrillVerdict } from "./drill-verdict.ts";

/** What was measured, by name; null: not measured. */
export type DrillMeasures = Readonly<Record<string, number | boolean | null | readonly number[]>>;

/** One fault as it was observed. What a kind knows besides stands beside it (`pid`, `role`, `term`, …). */
export interface DrillFault {
  readonly id: string;
  readonly kind: string;
  readonly target: string;
  /** From 1. */
  readonly round: number;
  /** Milliseconds since the first load began. */
  readonly atMs: number;
  /** From its beginning until it was taken back; null when that did not succeed. */
  readonly lastedMs: number | null;
  /** Whether it was seen to have an effect. Only then does what follows prove anything. */
  readonly happened: boolean;
  readonly [detail: string]: number | string | boolean | null;
}

/** Something that happened during a drill, for people. */
export interface DrillEvent {
  /** Milliseconds since the drill began. */
  readonly atMs: number;
  readonly kind: "phase" | "fault" | "heal" | "note";
  readonly text: string;
}

/** The phases, in their order; teardown comes once, whatever happened before it. */
export type DrillPhase =
  | "setup"
  | "steady state before"
  | "load and faults"
  | "settle"
  | "steady state after"
  | "check"
  | "teardown";

export interface PhaseResult {
  readonly phase: DrillPhase;
  /** Milliseconds since the drill began. */
  readonly atMs: number;
  readonly durationMs: number;
  /** Empty when it went well. */
  readonly error: string;
}

/** One line of a chart. */
export interface DrillSeries {
  readonly name: string;
  readonly unit: string;
  /** Milliseconds since the first load began, and the value. */
  readonly points: readonly (readonly [atMs: number, value: number])[];
}

/** What a drill found; JSON as it is. */
export interface DrillReport {
  readonly drill: string;
  readonly summary: string;
  readonly verdict: DrillVerdict;
  /** Why, for people; empty when it passed. */
  readonly reason: string;
  readonly measures: DrillMeasures;
  readonly faults: readonly DrillFault[];
  readonly steadyState: { readonly before: readonly RuleResult[]; readonly after: readonly RuleResult[] };
  readonly invariants: readonly RuleResult[];
  readonly expectations: readonly RuleResult[];
  readonly phases: readonly PhaseResult[];
  readonly events: readonly DrillEvent[];
  readonly series: readonly DrillSeries[];
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly durationMs: number;
}
