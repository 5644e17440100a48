import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HistoryError } from "../history-error.ts";
import { formatHistory, type HistoryEvent } from "../history.ts";
import { readHistory, type HistoryFile, type ReadHistoryOptions } from "./read-history.ts";

const encoder = new TextEncoder();

function read(text: string, options: ReadHistoryOptions = {}, size = text.length * 4 + 1): Promise<HistoryFile> {
  const bytes = encoder.encode(text);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return readHistory(pieces, options);
}

const brief = (events: readonly HistoryEvent[]): unknown[] =>
  events.map(({ process, type, f, key, value, line }) => [
    process,
    type,
    f,
    ...(key === undefined ? [] : [key]),
    value,
    line,
  ]);

const jsonLine = (fields: object = {}): string =>
  JSON.stringify({ process: 0, type: "invoke", f: "read", value: null, timeNs: 0, ...fields });

const edn = `\
; two clients and a nemesis
[{:process 0, :type :invoke, :f :write, :value "1é", :time 10, :index 0}
 {:process :nemesis, :type :info, :f :start, :value nil}
 #jepsen.history.Op{:process 1, :type :invoke, :f :cas, :value [1 2]
                    :time 20, :index 2}
 {:type :ok, :process 0, :f :write, :value "1é", :time 20}
 {:type :ok, :process 1, :f :cas, :value [1 2], :time 15}]
`;
const ednEvents = [
  [0, "invoke", "write", "1é", 2],
  [1, "invoke", "cas", [1, 2], 4],
  [0, "ok", "write", "1é", 6],
  [1, "ok", "cas", true, 7],
];

const log = `\
lein test jepsen.system.etcd-test
INFO  jepsen.core - Worker 0 starting
INFO  jepsen.util - 0\t:invoke\t:read\tnil
INFO  jepsen.util - :nemesis\t:info\t:start\t"Cut off {:n5 #{:n3 :n1}}"
INFO [2018-06-07 13:14:12,057] jepsen worker 3 - jepsen.util 3\t:invoke\t:cas\t[1 2]
2024-01-01 12:00:00,123{GMT}\tINFO\t[jepsen worker 3] jepsen.util: 3\t:ok\t:cas\t[1 2]
INFO  jepsen.util - 0\t:fail\t:read\tnil\t:timed-out
WARN  jepsen.core - Process 1 indeterminate
INFO jepsen.util - 1 :invoke :write 4
INFO  jepsen.util - 1\t:info\t:write\t:timed-out
2\t:invoke\t:read\tnil
`;
const logEvents = [
  [0, "invoke", "read", null, 3],
  [3, "invoke", "cas", [1, 2], 5],
  [3, "ok", "cas", true, 6],
  [0, "fail", "read", null, 7],
  [1, "invoke", "write", 4, 9],
  [1, "info", "write", "timed-out", 10],
  [2, "invoke", "read", null, 11],
];

describe("readHistory", () => {
  it("reads JSON lines", async () => {
    const events: HistoryEvent[] = [
      { process: 0, type: "invoke", f: "put", key: "a", value: "é", timeNs: 1 },
      { process: 0, type: "ok", f: "put", key: "a", value: null, timeNs: 2 },
    ];
    const file = await read(`${formatHistory(events).replaceAll("\n", "\r\n")}\r\n`);
    expect(file).toEqual({ events, format: "jsonl", ignored: { events: 0, lines: 0 } });
    expect((await read("")).events).toEqual([]);
    expect((await read("\n \n")).events).toEqual([]);
  });

  it("keeps integers apart that a number cannot hold", async () => {
    const { events } = await read(
      `${jsonLine().replace("null", "[9007199254740993,9007199254740992,1e400,0.12345678901234568]")}\n`,
    );
    expect(events[0]?.value).toEqual(["9007199254740993", "9007199254740992", Infinity, 0.12345678901234568]);
  });

  it("reads Jepsen's EDN, as a list of maps and as one map after the other", async () => {
    const file = await read(edn);
    expect(brief(file.events)).toEqual(ednEvents);
    expect(file).toMatchObject({ format: "edn", ignored: { events: 1, lines: 0 } });
    const maps = edn.replace("[{", " {").replace(/\]\n$/, "\n");
    expect(brief((await read(maps)).events)).toEqual(ednEvents);
    expect(brief((await read(edn.replace("[{", "({").replace(/\]\n$/, ")\n"))).events)).toEqual(ednEvents);
    expect(brief((await read(edn.replace("[{", "#jepsen.history.DenseHistory [{"))).events)).toEqual(ednEvents);
    expect((await read("[]", { format: "edn" })).events).toEqual([]);
  });

  it("reads Jepsen's log under each of its patterns", async () => {
    const file = await read(log);
    expect(brief(file.events)).toEqual(logEvents);
    expect(file).toMatchObject({ format: "jepsen-log", ignored: { events: 1, lines: 3 } });
  });

  it("takes the order of Jepsen's events for their time", async () => {
    expect((await read(edn)).events.map((event) => event.timeNs)).toEqual([10, 20, 21, 22]);
    expect((await read(log)).events.map((event) => event.timeNs)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it.each([
    ["EDN", edn, ednEvents],
    ["a log", log, logEvents],
  ])("reads %s in pieces of any size", async (_, text, expected) => {
    for (let size = 1; size <= 64; size++) {
      expect(brief((await read(`\n${text}`, {}, size)).events)).toEqual(
        expected.map((event) => [...event.slice(0, -1), Number(event.at(-1)) + 1]),
      );
    }
  });

  it.each([
    ["history.jsonl", "", "jsonl"],
    ["history.EDN", "{:process :nemesis}", "edn"],
    ["jepsen.log", "[", "jepsen-log"],
    ["history", `${jsonLine()}\n`, "jsonl"],
    ["history", "{:process :nemesis}", "edn"],
    ["history.txt", "[]", "edn"],
    ["history.txt", "0\t:invoke\t:read\tnil\n", "jepsen-log"],
  ])("takes %s that begins with %j for %s", async (name, text, format) => {
    const file = await read(text, { name }).catch((error: unknown) => error);
    if (file instanceof HistoryError)
      expect([format, file.reason]).toEqual(["jepsen-log", expect.stringContaining("1 lines")]);
    else expect(file).toMatchObject({ format });
  });
});

describe("independent keys", () => {
  const keyed = `\
{:process 0, :type :invoke, :f :write, :value [3 1]}
{:process 0, :type :ok, :f :write, :value [3 1]}
{:process 0, :type :invoke, :f :read, :value [:b nil]}
{:process 1, :type :invoke, :f :cas, :value [3 [1 2]]}
{:process 1, :type :ok, :f :cas, :value [3 [1 2]]}
{:process 0, :type :info, :f :read, :value [:b nil], :error :timeout}
{:process 1, :type :invoke, :f :read, :value [3 nil]}
{:process 1, :type :fail, :f :read, :value :timeout}
`;

  it("are taken out of the values when all calls have one", async () => {
    expect(brief((await read(keyed)).events)).toEqual([
      [0, "invoke", "write", "3", 1, 1],
      [0, "ok", "write", "3", 1, 2],
      [0, "invoke", "read", "b", null, 3],
      [1, "invoke", "cas", "3", [1, 2], 4],
      [1, "ok", "cas", "3", true, 5],
      [0, "info", "read", "b", null, 6],
      [1, "invoke", "read", "3", null, 7],
      [1, "fail", "read", "3", "timeout", 8],
    ]);
    expect((await read(keyed, { keyed: false })).events[0]?.value).toEqual([3, 1]);
  });

  it.each([
    ["a call without one", "{:process 0 :type :invoke :f :read}"],
    ["nothing but pairs of values", "{:process 0 :type :invoke :f :cas :value [1 2]}"],
    ["nothing but pairs written", "{:process 0 :type :invoke :f :write :value [1 2]}"],
    ["transactions of two parts", "{:process 0 :type :invoke :f :txn :value [[:r 1 nil] [:w 1 2]]}"],
  ])("are not seen in %s", async (_, text) => {
    const { events } = await read(text);
    expect(events[0]).not.toHaveProperty("key");
  });

  it("must be the same in the answer", async () => {
    const wrong = keyed.replace(":ok, :f :write, :value [3 1]", ":ok, :f :write, :value [4 1]");
    await expect(read(wrong)).rejects.toThrow("line 2: value must be [key value] of key 3 (got [4,1])");
    await expect(read("{:process 0 :type :invoke :f :read}", { keyed: true })).rejects.toThrow(
      "line 1: value must be [key value] (got null)",
    );
  });
});

describe("bad files", () => {
  it.each<[string, string, ReadHistoryOptions, string]>([
    [
      "half a line",
      `${jsonLine()}\n${jsonLine().slice(0, 30)}`,
      {},
      'line 2: is cut off: the file ends within it (after "',
    ],
    ["a broken line", `${jsonLine().slice(0, 30)}\n${jsonLine()}\n`, {}, "line 1: must be one JSON object"],
    ["an empty line", `${jsonLine()}\n\n${jsonLine()}\n`, {}, 'line 2: must be one JSON object (got "")'],
    ["another file", "\u0000\u0001\u0002\n".repeat(3), {}, "none of the 3 lines is an operation of Jepsen's"],
    [
      "a long line",
      `${jsonLine()}\n${jsonLine({ value: "x".repeat(500) })}`,
      { maxEventLength: 300 },
      "line 2: is longer than 300",
    ],
    ["a long event", `[\n{:value "${"x".repeat(500)}"}]`, { maxEventLength: 300 }, "line 2: is longer than 300"],
    [
      "much",
      `${jsonLine()}\n`.repeat(100),
      { maxBytes: 10_000 },
      "line 53: is where the history outgrows maxBytes, 10000",
    ],
    [
      "deep values",
      jsonLine().replace("null", "[".repeat(200) + "]".repeat(200)),
      {},
      "line 1: value must not be nested",
    ],
    ["deep EDN", `[\n{:value ${"[".repeat(200)}`, {}, "line 2: is nested deeper than 100"],
    ["an open list", "[{:process 0 :type :invoke :f :read}\n", {}, "line 2: is cut off: the list lacks its ]"],
    ["an open map", "[\n{:process 0\n:type :in", {}, "line 2: is cut off: the file ends within a value"],
    ["more than a list", "[]\n[]", {}, "line 2: is beyond the end of the list of events"],
    ["no maps", "[\n1]", {}, "line 2: must be a map (got 1)"],
    ["a wrong bracket", "[{:process 0\n:value [1 2)}]", {}, "line 2: has ) where ] is missing"],
    ["no process", "[{:type :ok}]", {}, "line 1: :process must be there (got nothing)"],
    ["half a process", "{:process 0.5}", {}, "line 1: :process must be an integer >= 0 (got 0.5)"],
    ["another type", "{:process 0 :type :done}", {}, 'line 1: :type must be :invoke, :ok, :fail or :info (got "done")'],
    ["no function", "{:process 0 :type :ok}", {}, "line 1: :f must be a name (got nothing)"],
    ["a time of text", '{:process 0 :type :ok :f :read :time "x"}', {}, 'line 1: :time must be an integer (got "x")'],
    ["a log cut off", "0\t:invoke\t:cas\t[1", {}, "line 1: is cut off: the file ends within a value"],
    ["a log's bad value", "0\t:invoke\t:cas\t[1)\n", {}, "line 1: value has ) where ] is missing"],
  ])("%s is refused", async (_, text, options, message) => {
    await expect(read(text, options, 7)).rejects.toThrow(HistoryError);
    await expect(read(text, options)).rejects.toThrow(message);
  });

  it("bytes that are no UTF-8 are refused", async () => {
    const bytes = [encoder.encode(`${jsonLine()}\n`), new Uint8Array([0xff, 0xfe])];
    await expect(readHistory(bytes)).rejects.toThrow("line 2: is followed by what is no UTF-8 text");
  });

  it.each([
    [{ format: "xml" as "edn" }, 'readHistory.format must be one of jsonl, edn, jepsen-log (got "xml")'],
    [{ maxBytes: 0 }, "readHistory.maxBytes must be a number > 0 (got 0)"],
    [{ maxEventLength: 0 }, "readHistory.maxEventLength must be a number > 0 (got 0)"],
  ])("options %j are refused", async (options, message) => {
    await expect(readHistory([], options)).rejects.toThrow(message);
  });

  it("a file without an end is given up at the bound, not read to its end", async () => {
    let pieces = 0;
    const endless = function* (): Generator<Uint8Array> {
      for (const piece = new Uint8Array(65_536); ; pieces++) yield piece;
    };
    for (const format of ["jsonl", "jepsen-log"] as const) {
      await expect(readHistory(endless(), { format, maxEventLength: 1_000_000 })).rejects.toThrow(
        "line 1: is longer than 1000000",
      );
    }
    await expect(readHistory(endless(), { format: "edn" })).rejects.toThrow('line 1: has an unexpected "\\u0000"');
    expect(pieces).toBeLessThan(40);
  });

  it("whatever is done to a file, it is read or refused with a HistoryError", async () => {
    const originals = [edn, log, `${jsonLine()}\n`.repeat(4)];
    const damage = fc.tuple(
      fc.constantFrom(...originals),
      fc.nat(),
      fc.nat(6),
      fc.string({ unit: "grapheme-ascii", maxLength: 5 }),
    );
    const options = fc.record({
      format: fc.constantFrom("jsonl", "edn", "jepsen-log"),
      size: fc.integer({ min: 1, max: 90 }),
    });
    await fc.assert(
      fc.asyncProperty(damage, options, async ([text, at, removed, inserted], { format, size }) => {
        const place = at % text.length;
        const damaged = text.slice(0, place) + inserted + text.slice(place + removed);
        const answer = await read(damaged, { format: format as "edn" }, size).catch((error: unknown) => error);
        if (!(answer instanceof HistoryError)) expect(answer).toMatchObject({ format });
      }),
      { numRuns: 1500 },
    );
  });
});
