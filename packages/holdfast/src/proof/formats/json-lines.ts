import { HistoryError } from "../history-error.ts";
import { parseHistoryLine, type HistoryEvent } from "../history.ts";
import { countBrackets } from "./event-budget.ts";
import type { HistorySource, SourceOptions } from "./history-source.ts";
import { textLines, type TextLine } from "./text-lines.ts";

/** Deeper values would end the stack of whoever walks them. */
const maxDepth = 100;

/** Holdfast's own format: one JSON object a line. */
export function jsonLines({ emit, budget, maxEventLength }: SourceOptions): HistorySource {
  /** Empty lines are well at the end, and nowhere else. */
  let firstEmpty: TextLine | undefined;

  const lines = textLines(maxEventLength, (line) => {
    if (line.text.trim() === "") {
      firstEmpty ??= line;
      return;
    }
    if (firstEmpty !== undefined) parseHistoryLine(firstEmpty.text, firstEmpty.number);
    const brackets = countBrackets(line.text);
    budget.add(line.text.length, brackets, line.number);
    const event = parseLine(line);
    if (brackets > maxDepth && depthOf(event.value) > maxDepth) {
      throw new HistoryError(line.number, `value must not be nested deeper than ${maxDepth}`);
    }
    emit(event);
  });

  return {
    write: (text) => lines.write(text),
    end: () => lines.end(),
    get line() {
      return lines.number;
    },
    ignored: { events: 0, lines: 0 },
  };
}

function parseLine({ text, number, ended }: TextLine): HistoryEvent {
  try {
    return parseHistoryLine(text, number);
  } catch (error) {
    // What the file ends with, without a line feed, is most likely half of what was to be written.
    if (!ended && error instanceof HistoryError && error.cause instanceof SyntaxError) {
      throw new HistoryError(number, `is cut off: the file ends within it (after ${JSON.stringify(text.slice(-40))})`, {
        cause: error.cause,
      });
    }
    throw error;
  }
}

function depthOf(value: unknown): number {
  let depth = 0;
  for (let layer = [value].filter(isContainer); layer.length > 0; depth++) {
    layer = layer.flatMap((item) => Object.values(item)).filter(isContainer);
  }
  return depth;
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
