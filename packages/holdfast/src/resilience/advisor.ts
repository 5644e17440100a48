import { checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import {
  adviceRules,
  adviceThresholds,
  type AdviceAction,
  type AdviceThresholds,
  type Evidence,
} from "./advice-rules.ts";
import { OperationWindow, type CallRecord, type OperationMetrics } from "./operation-metrics.ts";

export interface AdvisorOptions {
  /** Those left out are `adviceThresholds`. */
  readonly thresholds?: Partial<AdviceThresholds>;
  /** How many of the last calls of an operation count: 10 up to 100 000. Default 1 000. */
  readonly window?: number;
  /** No advice on fewer calls: >= 1. Default 50. */
  readonly minCalls?: number;
  /** How many operations are watched: 1 up to 10 000; the one unused longest is forgotten first. Default 100. */
  readonly maxOperations?: number;
}

export const advisorDefaults: Required<Omit<AdvisorOptions, "thresholds">> = {
  window: 1_000,
  minCalls: 50,
  maxOperations: 100,
};

/** What to do about an operation, and the numbers that say so. */
export interface Advice {
  readonly operation: string;
  readonly action: AdviceAction;
  readonly reason: string;
  /** Each value has reached its threshold. */
  readonly evidence: readonly Evidence[];
  /** How many calls the evidence is made of. */
  readonly calls: number;
}

export interface Advisor {
  /** Tells how a call ended. @throws InvalidArgumentError for numbers that make no sense */
  record(operation: string, call: CallRecord): void;
  /** What the last calls of an operation were like; undefined when it is not known. */
  metrics(operation: string): OperationMetrics | undefined;
  /** The advice for one operation or for all, the most urgent first; none where there are too few calls. */
  advice(operation?: string): Advice[];
}

/**
 * Watches how calls of operations end, and says which policy would help, with the numbers it is based on. It changes nothing
 * by itself.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const advisor = createAdvisor();
 * advisor.record("prices", { durationMs: 1_840, ok: true, key: "4711" });
 * for (const { operation, action, reason, evidence } of advisor.advice()) log.info({ operation, action, evidence }, reason);
 */
export function createAdvisor(options: AdvisorOptions = {}): Advisor {
  checkOptionNames("advisor", options, ["thresholds", ...Object.keys(advisorDefaults)]);
  const { window, minCalls, maxOperations } = { ...advisorDefaults, ...options };
  checkInteger("advisor.window", window, 10, 100_000);
  checkInteger("advisor.minCalls", minCalls, 1);
  checkInteger("advisor.maxOperations", maxOperations, 1, 10_000);
  const given = options.thresholds ?? {};
  checkOptionNames("advisor.thresholds", given, Object.keys(adviceThresholds));
  const thresholds: AdviceThresholds = { ...adviceThresholds, ...given };
  // At zero everything has reached it, and the advice would be given always.
  for (const [name, value] of Object.entries(thresholds))
    checkNumber(`advisor.thresholds.${name}`, value, Number.MIN_VALUE);
  const windows = new Map<string, OperationWindow>();

  function adviceOn(operation: string, own: OperationWindow): Advice[] {
    const metrics = own.metrics(operation);
    if (metrics.calls < minCalls) return [];
    const advice: Advice[] = [];
    for (const { action, reason, needs, unless } of adviceRules) {
      const evidence = needs(metrics, thresholds);
      if (!evidence.every(({ value, threshold }) => value >= threshold)) continue;
      if (unless?.(metrics, thresholds) === true) continue;
      advice.push({ operation, action, reason, evidence, calls: metrics.calls });
    }
    return advice;
  }

  return {
    record(operation, call) {
      if (typeof operation !== "string" || operation === "") {
        throw new InvalidArgumentError("advisor.record.operation", "must be the operation's name", operation);
      }
      checkNumber("advisor.record.durationMs", call.durationMs, 0);
      checkInteger("advisor.record.attempts", call.attempts ?? 1, 0);
      checkInteger("advisor.record.inFlight", call.inFlight ?? 0, 0);
      const known = windows.get(operation);
      const own = known ?? new OperationWindow(window);
      // The map keeps the order of use.
      if (known !== undefined) windows.delete(operation);
      windows.set(operation, own);
      if (windows.size > maxOperations) windows.delete(windows.keys().next().value as string);
      own.record(call);
    },
    metrics: (operation) => windows.get(operation)?.metrics(operation),
    advice(operation) {
      const chosen = operation === undefined ? [...windows] : [...windows].filter(([name]) => name === operation);
      const all = chosen.flatMap(([name, own]) => adviceOn(name, own));
      const urgency = new Map(adviceRules.map(({ action }, at) => [action, at]));
      return all.sort((one, two) => (urgency.get(one.action) ?? 0) - (urgency.get(two.action) ?? 0));
    },
  };
}
