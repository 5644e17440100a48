/** Where everything about executions lies in the store. Names have no slash in them, so no key is another's beginning. */
export interface ExecutionKeys {
  readonly plan: Uint8Array;
  readonly state: Uint8Array;
  /** All of the three below, and the two above. */
  readonly all: KeySpan;
  readonly outputs: KeySpan;
  readonly history: KeySpan;
  readonly active: Uint8Array;
  /** Hangs on the session of the orchestrator that has the execution. */
  readonly owner: Uint8Array;
  readonly requests: KeySpan;
  output(step: string): Uint8Array;
  historyEntry(index: number): Uint8Array;
  request(name: string): Uint8Array;
  finished(endedAt: number): Uint8Array;
}

export interface KeySpan {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const defaultPlanPrefix = "recovery/";

/** All keys below a name that ends in a slash: up to the character that follows it. */
function below(name: string): KeySpan {
  return { key: encoder.encode(name), rangeEnd: encoder.encode(`${name.slice(0, -1)}0`) };
}

export class PlanKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** What orchestrators watch: who runs what, and what people ask for. */
  get desk(): KeySpan {
    return below(`${this.#prefix}desk/`);
  }

  get active(): KeySpan {
    return below(`${this.#prefix}desk/active/`);
  }

  /** The oldest first. */
  get finished(): KeySpan {
    return below(`${this.#prefix}finished/`);
  }

  execution(id: string): ExecutionKeys {
    const own = `${this.#prefix}executions/${id}/`;
    const desk = `${this.#prefix}desk/`;
    return {
      plan: encoder.encode(`${own}plan`),
      state: encoder.encode(`${own}state`),
      all: below(own),
      outputs: below(`${own}outputs/`),
      history: below(`${own}history/`),
      active: encoder.encode(`${desk}active/${id}`),
      owner: encoder.encode(`${desk}owners/${id}`),
      requests: below(`${desk}requests/${id}/`),
      output: (step) => encoder.encode(`${own}outputs/${step}`),
      historyEntry: (index) => encoder.encode(`${own}history/${String(index).padStart(6, "0")}`),
      request: (name) => encoder.encode(`${desk}requests/${id}/${name}`),
      finished: (endedAt) => encoder.encode(`${this.#prefix}finished/${String(endedAt).padStart(15, "0")}-${id}`),
    };
  }

  /** What a key of the desk is about; undefined for one that is none of ours. */
  placeOf(key: Uint8Array): { readonly part: string; readonly id: string; readonly rest: string } | undefined {
    const [part = "", id = "", rest = ""] = decoder.decode(key).slice(`${this.#prefix}desk/`.length).split("/");
    return id === "" ? undefined : { part, id, rest };
  }

  finishedId(key: Uint8Array): string {
    return lastName(key).slice(16);
  }
}

/** What stands after the last slash. */
export function lastName(key: Uint8Array): string {
  const text = decoder.decode(key);
  return text.slice(text.lastIndexOf("/") + 1);
}
