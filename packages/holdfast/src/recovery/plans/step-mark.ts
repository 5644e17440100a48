import type { Coordination, KeyValue } from "../../coordination/index.ts";
import { decodeJson, encodeJson } from "./execution-record.ts";
import type { StepContext } from "./step-executor.ts";

/** Where a step's effects are remembered. */
export type MarkStore = Pick<Coordination, "range" | "txn">;

const encoder = new TextEncoder();

/** Of a step of an execution, beside its record, with which it goes. */
export function markKey(
  prefix: string,
  { executionId, stepId }: Pick<StepContext, "executionId" | "stepId">,
): Uint8Array {
  return encoder.encode(`${prefix}executions/${executionId}/marks/${stepId}`);
}

/** What a step remembers of itself, whoever runs it. */
export class StepMark<T> {
  readonly #store: MarkStore;
  readonly #key: Uint8Array;
  readonly #signal: AbortSignal;
  #seen: KeyValue | undefined;

  constructor(store: MarkStore, prefix: string, context: Pick<StepContext, "executionId" | "stepId" | "signal">) {
    this.#store = store;
    this.#key = markKey(prefix, context);
    this.#signal = context.signal;
  }

  async read(): Promise<T | undefined> {
    const { pairs } = await this.#store.range({ key: this.#key }, { signal: this.#signal });
    this.#seen = pairs[0];
    return this.#seen && (decodeJson(this.#seen.value) as T);
  }

  /** In the place of what was read last; false when somebody else has written since. */
  async write(value: T): Promise<boolean> {
    const { succeeded } = await this.#store.txn(
      {
        compare: [{ key: this.#key, target: "mod", result: "equal", operand: this.#seen?.modRevision ?? 0 }],
        success: [{ type: "put", request: { key: this.#key, value: encodeJson(value) } }],
        failure: [],
      },
      { signal: this.#signal },
    );
    return succeeded;
  }
}
