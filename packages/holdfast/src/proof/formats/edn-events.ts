import { HistoryError } from "../history-error.ts";
import { EdnError, EdnReader } from "./edn-reader.ts";
import type { HistorySource, SourceOptions } from "./history-source.ts";
import { jepsenEvents } from "./jepsen-operation.ts";

/** Jepsen's `history.edn`: one vector or list of maps, or one map after the other. */
export function ednEvents({ emit, budget, maxEventLength }: SourceOptions): HistorySource {
  const toEvent = jepsenEvents();
  const ignored = { events: 0, lines: 0 };
  let text = "";
  let line = 1;
  /** An event that the text cuts is read again once there is this much of it: the time stays linear. */
  let wanted = 0;
  /** What closes the list; undefined outside of it. */
  let close: string | undefined;
  let closed = false;

  function checkLength(length: number): void {
    if (length > maxEventLength) throw new HistoryError(line, `is longer than ${maxEventLength} characters`);
  }

  function take(value: unknown, length: number, collections: number): void {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new HistoryError(line, `must be a map (got ${JSON.stringify(value).slice(0, 40)})`);
    }
    checkLength(length);
    budget.add(length, collections, line);
    const event = toEvent(value, line);
    if (event === undefined) ignored.events++;
    else emit(event);
  }

  /** Reads what is whole, and leaves the rest in `text`. */
  function read(final: boolean): void {
    const reader = new EdnReader(text, final);
    /** Where the thing under way begins, which stands in `line`. */
    let start = 0;
    const passTo = (position: number): void => {
      for (let at = text.indexOf("\n", start); at !== -1 && at < position; at = text.indexOf("\n", at + 1)) line++;
      start = position;
    };
    try {
      for (let next = reader.peek(); next !== ""; next = reader.peek()) {
        passTo(reader.at);
        if (closed) throw new HistoryError(line, "is beyond the end of the list of events");
        if (next === close) {
          reader.skip();
          closed = true;
        } else if (close === undefined && (next === "[" || next === "(")) {
          reader.skip();
          close = next === "[" ? "]" : ")";
        } else if (!reader.skipTag()) {
          const before = reader.collections;
          const value = reader.read();
          take(value, reader.at - start, reader.collections - before);
        }
        passTo(reader.at);
      }
      passTo(reader.at);
    } catch (error) {
      if (!(error instanceof EdnError)) throw error;
      if (!error.cut) {
        passTo(error.at);
        throw new HistoryError(line, error.message, { cause: error });
      }
      if (final) throw new HistoryError(line, `is cut off: the file ${error.message}`, { cause: error });
    }
    text = text.slice(start);
  }

  return {
    write(chunk) {
      text += chunk;
      if (text.length < Math.min(wanted, maxEventLength)) return;
      read(false);
      checkLength(text.length);
      wanted = 2 * text.length;
    },
    end() {
      read(true);
      if (close !== undefined && !closed) throw new HistoryError(line, `is cut off: the list lacks its ${close}`);
    },
    get line() {
      return line;
    },
    ignored,
  };
}
