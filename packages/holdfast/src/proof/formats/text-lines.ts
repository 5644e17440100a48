import { HistoryError } from "../history-error.ts";

/** One line of a text, without what ends it. */
export interface TextLine {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** Whether a line feed followed; only the last may lack it. */
  readonly ended: boolean;
}

export interface TextLines {
  /** The line that the text has come to. */
  readonly number: number;
  write(text: string): void;
  end(): void;
}

/** Cuts a text that comes in pieces into lines. @throws HistoryError for a line longer than `maxLength` */
export function textLines(maxLength: number, onLine: (line: TextLine) => void): TextLines {
  let rest = "";
  let number = 1;

  function checkLength(length: number): void {
    if (length > maxLength) throw new HistoryError(number, `is longer than ${maxLength} characters`);
  }

  function line(text: string, ended: boolean): void {
    checkLength(text.length);
    onLine({ text: text.endsWith("\r") ? text.slice(0, -1) : text, number, ended });
  }

  return {
    get number() {
      return number;
    },
    write(text) {
      let start = 0;
      for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
        line(rest + text.slice(start, end), true);
        rest = "";
        start = end + 1;
        number++;
      }
      rest += text.slice(start);
      checkLength(rest.length);
    },
    end() {
      if (rest !== "") line(rest, false);
      rest = "";
    },
  };
}
