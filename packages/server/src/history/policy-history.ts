import type { ServiceReport } from "holdfast/telemetry";
import { setBackSteps, stepOf } from "./history-ring.ts";
import { addToPolicy, PolicyBook } from "./policy-book.ts";

const maxInstances = 1_000;
/** What a report says is of the last ten seconds. */
const saidSteps = 2;

/** What services have reported here over two hours, whether somebody watched or not. */
export class PolicyHistory {
  readonly book: PolicyBook = new PolicyBook();
  /** How far each instance has told, the one that told longest ago first. */
  readonly #told = new Map<string, number>();
  #last = 0;

  /** Each instance counts once for each step of time: for those since its last report, as far as this one speaks of them. */
  take({ service, instance, policies }: ServiceReport, wallMs: number): void {
    const step = stepOf(wallMs);
    if (step < this.#last - setBackSteps) {
      this.book.clear();
      this.#told.clear();
      this.#last = 0;
    }
    this.#last = Math.max(this.#last, step);
    const key = JSON.stringify([service, instance]);
    const before = this.#told.get(key) ?? step - 1;
    if (before >= step) return;
    this.#told.delete(key);
    this.#told.set(key, step);
    const [oldest] = this.#told.keys();
    if (this.#told.size > maxInstances && oldest !== undefined) this.#told.delete(oldest);
    for (const { kind, name, callsPerSecond, failureRatio, durationMs } of policies) {
      const policy = this.book.find({ service, kind, name }, step);
      if (policy === undefined) continue;
      const failed = failureRatio === null ? Number.NaN : callsPerSecond * failureRatio;
      const quantiles = durationMs === null ? [] : [durationMs.p50, durationMs.p90, durationMs.p99];
      const values = [callsPerSecond, failed, ...quantiles];
      for (let at = Math.max(before + 1, step - saidSteps + 1); at <= step; at++) addToPolicy(policy, at, values);
    }
  }
}
