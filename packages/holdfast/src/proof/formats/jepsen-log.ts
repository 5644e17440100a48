import { HistoryError } from "../history-error.ts";
import { EdnError, EdnReader } from "./edn-reader.ts";
import { countBrackets } from "./event-budget.ts";
import type { HistorySource, SourceOptions } from "./history-source.ts";
import { jepsenEvents } from "./jepsen-operation.ts";
import { textLines, type TextLine } from "./text-lines.ts";

/**
 * The lines that `jepsen.util` logs, under each of Jepsen's log patterns, and those of its `history.txt`: process, type,
 * function, value, and perhaps an error, with tabs between them. What else a log holds is passed over.
 */
const operationLine: RegExp =
  /(?:^|\bjepsen\.util(?::| -)?)\s*(?<process>\d+|:[\w-]+)\s+:(?<type>invoke|ok|fail|info)\s+(?<f>\S+)(?:\s+(?<value>\S.*))?$/;

export function jepsenLog({ emit, budget, maxEventLength }: SourceOptions): HistorySource {
  const toEvent = jepsenEvents();
  const ignored = { events: 0, lines: 0 };
  let operations = 0;

  const lines = textLines(maxEventLength, (line) => {
    const { process, type, f = "", value } = operationLine.exec(line.text)?.groups ?? {};
    if (process === undefined) {
      ignored.lines++;
      return;
    }
    operations++;
    if (process.startsWith(":")) {
      ignored.events++;
      return;
    }
    budget.add(line.text.length, countBrackets(line.text), line.number);
    const said = type === "invoke" || type === "ok";
    const operation = {
      process: Number(process),
      type,
      f: f.replace(/^:/, ""),
      value: value === undefined ? null : said ? readValue(value, line) : reasonOf(value),
    };
    const event = toEvent(operation, line.number);
    if (event !== undefined) emit(event);
  });

  return {
    write: (text) => lines.write(text),
    end() {
      lines.end();
      if (operations === 0 && ignored.lines > 0) {
        throw new HistoryError(undefined, `none of the ${ignored.lines} lines is an operation of Jepsen's`);
      }
    },
    get line() {
      return lines.number;
    },
    ignored,
  };
}

/** An error may follow the value, behind a tab. */
function readValue(text: string, { number, ended }: TextLine): unknown {
  try {
    return new EdnReader(text, true).read();
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
    const where = !ended && error.cut ? "is cut off: the file" : "value";
    throw new HistoryError(number, `${where} ${error.message} (got ${JSON.stringify(text.slice(0, 40))})`, {
      cause: error,
    });
  }
}

/** What an operation that failed says is for people only, and not always EDN; with independent keys it names the key. */
function reasonOf(text: string): unknown {
  try {
    return new EdnReader(text, true).read();
  } catch (error) {
    if (error instanceof EdnError) return text.slice(0, 200);
    throw error;
  }
}
