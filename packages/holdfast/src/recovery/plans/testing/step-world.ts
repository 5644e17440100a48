import type { Clock } from "../../../runtime/system.ts";
import type { JsonValue } from "../plan.ts";
import type { StepContext, StepExecutor } from "../step-executor.ts";

/** What a step with side effects did outside. */
export interface Deed {
  readonly what: "do" | "undo";
  readonly step: string;
  readonly key: string;
  readonly attempt: number;
  readonly token: number;
  readonly parameters: { readonly [name: string]: JsonValue };
}

/** The outside that steps change. */
export class StepWorld {
  readonly #clock: Clock;
  /** In order, also those that an idempotent outside would pass over. */
  readonly deeds: Deed[] = [];
  /** How many tries of a step fail, before one does not: `a`, `undo a`. */
  readonly failures: Map<string, number> = new Map();
  /** Steps that take no notice of their signal. */
  readonly deaf: Set<string> = new Set();
  readonly durations: Map<string, number> = new Map();
  /** Called when a try begins. */
  onBegin: (what: Deed["what"], context: StepContext) => void = () => {};
  now: number = 0;
  most: number = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get done(): string[] {
    return this.deeds.filter(({ what }) => what === "do").map(({ step }) => step);
  }

  get undone(): string[] {
    return this.deeds.filter(({ what }) => what === "undo").map(({ step }) => step);
  }

  /** `alive` says whether the process that they run in is. */
  executors(alive: () => boolean): StepExecutor[] {
    return [
      {
        type: "work",
        run: (context) => this.#act("do", context, alive),
        rollback: (context) => this.#act("undo", context, alive),
      },
      { type: "undo-work", run: (context) => this.#act("undo", context, alive), rollback: () => undefined },
      { type: "look", changes: false, run: (context) => this.#act("do", context, alive) },
      { type: "once", repeatable: false, run: (context) => this.#act("do", context, alive), rollback: () => undefined },
    ];
  }

  async #act(what: Deed["what"], context: StepContext, alive: () => boolean): Promise<JsonValue> {
    const { stepId: step, idempotencyKey: key, attempt, fencingToken: token, parameters, signal } = context;
    this.onBegin(what, context);
    this.most = Math.max(this.most, ++this.now);
    try {
      const duration = this.durations.get(step) ?? 100;
      await this.#clock.sleep(duration, this.deaf.has(step) ? {} : { signal });
    } finally {
      this.now--;
    }
    // A process that is dead does nothing, and tells nobody.
    if (!alive()) return await new Promise(() => {});
    const failures = this.failures.get(what === "do" ? step : `undo ${step}`) ?? 0;
    if (attempt <= failures) throw new Error(`${step} is broken`);
    this.deeds.push({ what, step, key, attempt, token, parameters });
    return { by: step, said: parameters["say"] ?? null };
  }
}
