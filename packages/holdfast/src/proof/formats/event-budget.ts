import { HistoryError } from "../history-error.ts";

/** What the events of one file may cost. */
export interface EventBudget {
  /** Counts an event read from so many characters. @throws HistoryError beyond the bound */
  add(characters: number, brackets: number, line: number): void;
}

// Measured, with what a check makes of an event. Names of fields cost nothing: events share them.
const bytesAnEvent = 180;
const charactersOfFields = 60;
const bytesACharacter = 3;
/** An empty array or object is the dearest thing that two characters can be. */
const bytesABracket = 64;

export function eventBudget(maxBytes: number): EventBudget {
  let bytes = 0;
  return {
    add(characters, brackets, line) {
      bytes +=
        bytesAnEvent +
        bytesACharacter * Math.max(0, characters - charactersOfFields) +
        bytesABracket * Math.max(0, brackets - 1);
      if (bytes <= maxBytes) return;
      throw new HistoryError(
        line,
        `is where the history outgrows maxBytes, ${maxBytes}: check a part of it, or allow more`,
      );
    },
  };
}

/** How many arrays and objects a text holds at most. */
export function countBrackets(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5b || code === 0x7b || code === 0x28) count++;
  }
  return count;
}
