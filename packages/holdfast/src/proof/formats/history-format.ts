/** How a history is written: Holdfast's JSON lines, Jepsen's EDN, the lines of Jepsen's log. */
export const historyFormats = ["jsonl", "edn", "jepsen-log"] as const;

export type HistoryFormat = (typeof historyFormats)[number];

const byEnding: Readonly<Record<string, HistoryFormat>> = {
  jsonl: "jsonl",
  ndjson: "jsonl",
  edn: "edn",
  log: "jepsen-log",
};

/** From the end of a file's name where it says, otherwise from how its text begins. */
export function guessFormat(name: string, beginning: string): HistoryFormat {
  const ending = /\.([a-z]+)$/.exec(name.toLowerCase())?.[1] ?? "";
  const named = Object.hasOwn(byEnding, ending) ? byEnding[ending] : undefined;
  if (named !== undefined) return named;
  const text = beginning.trimStart();
  if (text === "" || /^\{\s*["}]/.test(text)) return "jsonl";
  return /^[[({#;]/.test(text) ? "edn" : "jepsen-log";
}
