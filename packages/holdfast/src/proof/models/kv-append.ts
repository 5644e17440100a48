import { HistoryError } from "../history-error.ts";
import type { Operation } from "../history.ts";
import { impossible, type Model, type ModelRun, type Transition } from "../model.ts";
import { AppendForesight } from "./append-foresight.ts";
import { initialOf, isList, type ModelOptions } from "./model-options.ts";
import { PairTable } from "./pair-table.ts";
import { assign, expect, nothing, refuseFunction } from "./transitions.ts";
import { ValueNumbers } from "./value-numbers.ts";

/**
 * A key whose value grows: `get` gives it (null or the empty one for none), `put` sets it, `append` adds at the end.
 * Values are either text, to which text is appended, or lists, to which an element is appended; a history with a list
 * among its values is of lists.
 */
export function keyValueAppend(options: ModelOptions = {}): Model {
  const initial = initialOf("kv-append", options, "text or a list", isValue);
  return {
    name: "kv-append",
    start: () => startKey(initial, false),
    startForeseeing: () => startKey(initial, true),
  };
}

function isValue(value: unknown): value is string | readonly unknown[] {
  return typeof value === "string" || isList(value);
}

const empty = 0;

/** A state is a chain: 0, or the number of a chain and what follows it. Texts are chains of code units. */
function startKey(initial: unknown, foresees: boolean): ModelRun {
  const chains = new PairTable();
  const values = new ValueNumbers();
  const foresight = foresees ? new AppendForesight(values) : undefined;
  foresight?.noteWhole(initial);
  /** Every state that holds what nobody ever saw. */
  const hidden = chains.numberOf(-1, -1);
  let textLine: number | undefined;
  let listLine: number | undefined;

  function note(kind: "text" | "list", line: number): void {
    if (kind === "text") textLine ??= line;
    else listLine ??= line;
    if (textLine !== undefined && listLine !== undefined) {
      throw new HistoryError(
        line,
        `kv-append holds texts or lists, not both (see line ${Math.min(textLine, listLine)})`,
      );
    }
  }

  function withText(chain: number, text: string): number {
    let longer = chain;
    for (let i = 0; i < text.length; i++) longer = chains.numberOf(longer, text.charCodeAt(i));
    return longer;
  }

  function extend(chain: number, part: number, isList: boolean): number {
    return isList ? chains.numberOf(chain, part) : withText(chain, values.valueOf(part) as string);
  }

  /** The chain of a whole value. */
  function chainOf(value: unknown, line: number): number {
    if (value === null) return empty;
    if (typeof value === "string") {
      note("text", line);
      return withText(empty, value);
    }
    if (!Array.isArray(value)) {
      throw new HistoryError(line, `kv-append holds text or a list (got ${JSON.stringify(value)})`);
    }
    note("list", line);
    let chain = empty;
    for (const element of value) chain = chains.numberOf(chain, values.numberOf(element));
    return chain;
  }

  function append(operation: Operation): Transition {
    const { input, line } = operation;
    if (typeof input !== "string") note("list", line);
    const element = values.numberOf(input);
    foresight?.noteAppend(element);
    // Text alone does not tell what it is appended to; by the first step all operations have been seen.
    return {
      readOnly: false,
      apply(state) {
        const isList = listLine !== undefined;
        if (foresight === undefined) return extend(state, element, isList);
        foresight.prepare(empty, (before, part) => extend(before, part, isList));
        if (!foresight.allows(state, element)) return impossible;
        return state === hidden || foresight.isHidden(element) ? hidden : extend(state, element, isList);
      },
      effect: element,
    };
  }

  function transition(operation: Operation): Transition {
    const { f, key, input, output, outcome, line } = operation;
    if (key === undefined) throw new HistoryError(line, "kv-append needs a key");
    switch (f) {
      case "get":
        if (outcome === "unknown") return nothing;
        foresight?.noteGet(output);
        return expect(chainOf(output, line));
      case "put":
        foresight?.noteWhole(input);
        return assign(chainOf(input, line));
      case "append":
        return append(operation);
      default:
        return refuseFunction("kv-append", operation);
    }
  }

  function describe(state: number): string {
    if (state === hidden) return "what nobody saw";
    const parts: number[] = [];
    for (let chain = state; chain !== empty; chain = chains.firstOf(chain)) parts.push(chains.secondOf(chain));
    parts.reverse();
    const value =
      listLine === undefined
        ? parts.map((unit) => String.fromCharCode(unit)).join("")
        : parts.map((number) => values.valueOf(number));
    return JSON.stringify(value);
  }

  return {
    initial: chainOf(initial, 0),
    transition,
    describe,
    get bytes() {
      return chains.bytes;
    },
  };
}
