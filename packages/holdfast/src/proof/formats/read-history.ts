import { InvalidArgumentError } from "../../errors/base.ts";
import { HistoryError } from "../history-error.ts";
import type { HistoryEvent } from "../history.ts";
import { ednEvents } from "./edn-events.ts";
import { eventBudget } from "./event-budget.ts";
import { guessFormat, historyFormats, type HistoryFormat } from "./history-format.ts";
import type { HistorySource, IgnoredEvents, SourceOptions } from "./history-source.ts";
import { hasIndependentKeys, splitIndependentKeys } from "./independent-keys.ts";
import { jepsenLog } from "./jepsen-log.ts";
import { jsonLines } from "./json-lines.ts";

export interface ReadHistoryOptions {
  /** Default: from the name's ending, else from how the text begins. */
  readonly format?: HistoryFormat;
  /** The file's name. */
  readonly name?: string;
  /** Whether values are Jepsen's `[key value]`. Default `auto`: where all of a Jepsen history's are. */
  readonly keyed?: boolean | "auto";
  /** Refuses a history whose events take more memory, by an estimate on the safe side. Default 1 GiB. */
  readonly maxBytes?: number;
  /** Refuses a longer event, in characters. Default 16 Mi. */
  readonly maxEventLength?: number;
}

/** The defaults of `readHistory`. */
export const defaultReadHistoryOptions: Readonly<
  Required<Pick<ReadHistoryOptions, "keyed" | "maxBytes" | "maxEventLength">>
> = { keyed: "auto", maxBytes: 1024 ** 3, maxEventLength: 16 * 1024 ** 2 };

const maxBlanks = 65_536;

/** What a file holds. */
export interface HistoryFile {
  readonly events: readonly HistoryEvent[];
  readonly format: HistoryFormat;
  readonly ignored: IgnoredEvents;
}

const sources: Readonly<Record<HistoryFormat, (options: SourceOptions) => HistorySource>> = {
  jsonl: jsonLines,
  edn: ednEvents,
  "jepsen-log": jepsenLog,
};

/**
 * Reads a history from a file's bytes as they come, as UTF-8. Events of no client (Jepsen's nemesis) are left out.
 * @throws HistoryError naming the line, for what breaks the format's rules or a bound
 */
export async function readHistory(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ReadHistoryOptions = {},
): Promise<HistoryFile> {
  const { format: given, name = "", keyed, maxBytes, maxEventLength } = { ...defaultReadHistoryOptions, ...options };
  checkOptions(given, maxBytes, maxEventLength);
  const events: HistoryEvent[] = [];
  const sourceOptions: SourceOptions = {
    emit: (event) => void events.push(event),
    budget: eventBudget(maxBytes),
    maxEventLength,
  };
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let format = given;
  let source: HistorySource | undefined;
  let beginning = "";

  function decode(piece?: Uint8Array): string {
    try {
      return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
    } catch (cause) {
      throw new HistoryError(source?.line ?? 1, "is followed by what is no UTF-8 text", { cause });
    }
  }

  /** Blanks say nothing of the format, and the text is not looked at before there is one. */
  function begin(enough: boolean): HistorySource | undefined {
    if (format === undefined && !enough && beginning.trim() === "") return undefined;
    format ??= guessFormat(name, beginning);
    source = sources[format](sourceOptions);
    source.write(beginning);
    return source;
  }

  for await (const piece of bytes) {
    const text = decode(piece);
    if (source !== undefined) source.write(text);
    else {
      beginning += text;
      begin(beginning.length > maxBlanks);
    }
  }
  decode();
  (source ?? begin(true))?.end();
  if (keyed === true || (keyed === "auto" && format !== "jsonl" && hasIndependentKeys(events))) {
    splitIndependentKeys(events);
  }
  return { events, format: format ?? "jsonl", ignored: source?.ignored ?? { events: 0, lines: 0 } };
}

function checkOptions(format: string | undefined, maxBytes: number, maxEventLength: number): void {
  if (format !== undefined && !historyFormats.some((known) => known === format)) {
    throw new InvalidArgumentError("readHistory.format", `must be one of ${historyFormats.join(", ")}`, format);
  }
  if (!(maxBytes > 0)) throw new InvalidArgumentError("readHistory.maxBytes", "must be a number > 0", maxBytes);
  if (!(maxEventLength > 0)) {
    throw new InvalidArgumentError("readHistory.maxEventLength", "must be a number > 0", maxEventLength);
  }
}
