import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "./holdfast-command.ts";

let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-check-"));
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const edn = (read: number): string => `\
[{:process 0, :type :invoke, :f :write, :value 1, :time 10, :index 0}
 {:process :nemesis, :type :info, :f :start, :value nil, :time 11, :index 1}
 {:process 0, :type :ok, :f :write, :value 1, :time 20, :index 2}
 {:process 1, :type :invoke, :f :cas, :value [1 2], :time 30, :index 3}
 {:process 1, :type :ok, :f :cas, :value [1 2], :time 40, :index 4}
 {:process 0, :type :invoke, :f :read, :value nil, :time 50, :index 5}
 {:process 0, :type :ok, :f :read, :value ${read}, :time 60, :index 6}]
`;

const log = `\
INFO  jepsen.core - Worker 0 starting
INFO  jepsen.util - 0\t:invoke\t:read\tnil
INFO  jepsen.util - 0\t:ok\t:read\t7
`;

describe("holdfast check", { concurrent: true }, () => {
  it("finds that Jepsen's history is impossible, says why, and draws it", async ({ expect }) => {
    const [path, page] = [file("bad.edn", edn(1)), join(directory, "bad.html")];
    const result = await run(["check", path, "--model", "cas-register", "--json", "--html", page]);
    expect(result.code).toBe(1);
    expect(JSON.parse(result.stdout)).toEqual({
      verdict: "violation",
      operations: 3,
      explanation: expect.stringMatching(/^no order explains process 0 read\(\) -> 1, .*\(line 6\)\n/),
      model: "cas-register",
      format: "edn",
      ignored: { events: 1, lines: 0 },
      violation: {
        operation: { line: 6, process: 0, f: "read", input: null, output: 1 },
        partialOrders: [{ operations: [1, 4], length: 2, state: "2" }],
      },
    });
    expect(result.stderr).toBe(`Page: ${page}\n`);
    expect(readFileSync(page, "utf8")).toContain("<title>violation: ");
  });

  it("checks transactions at the level that is promised", async ({ expect }) => {
    const skew = `\
{:process 0, :type :invoke, :f :txn, :value [[:r 1 nil] [:append 2 1]]}
{:process 1, :type :invoke, :f :txn, :value [[:r 2 nil] [:append 1 1]]}
{:process 0, :type :ok, :f :txn, :value [[:r 1 []] [:append 2 1]]}
{:process 1, :type :ok, :f :txn, :value [[:r 2 []] [:append 1 1]]}
`;
    const path = file("skew.edn", skew);
    const line = ["check", path, "--model", "list-append", "--json"];
    const [serializable, snapshot] = await Promise.all([run(line), run([...line, "--level", "snapshot-isolation"])]);
    expect(serializable.code).toBe(1);
    expect(JSON.parse(serializable.stdout)).toMatchObject({
      verdict: "violation",
      operations: 2,
      model: "list-append",
      anomalies: [{ name: "G2-item", lines: [1, 2] }],
    });
    expect(snapshot.code).toBe(0);
  });

  it("takes the value that the object held at first", async ({ expect }) => {
    const path = file("jepsen.log", log);
    const [with7, without] = await Promise.all([
      run(["check", path, "--model", "register", "--init", "7"]),
      run(["check", path, "--model", "register"]),
    ]);
    expect([with7.code, with7.stdout]).toEqual([0, expect.stringMatching(/^ok: 1 operations\n/)]);
    expect(with7.stderr).toBe("Passed over: 0 events of no client, 1 lines that are no events\n");
    expect(without.code).toBe(1);
  });

  it.each<[string, string, readonly string[], number, string]>([
    ["cut.jsonl", '{"process":0,"type":"inv', [], 1, ":1: is cut off: the file ends within it"],
    ["cut.edn", edn(2).slice(0, -20), ["--model", "cas-register"], 1, ":7: is cut off: the file ends within a value"],
    [
      "twice.log",
      log.replace(":ok\t:read\t7", ":invoke\t:read\tnil"),
      [],
      1,
      ":3: process 0 still waits for the operation of line 2",
    ],
    ["lone.log", log.replace(":invoke", ":ok"), [], 1, ":2: process 0 completes an operation it did not invoke"],
    ["model.edn", edn(2), [], 1, ":1: kv needs a key; --model says what the history is of"],
    ["other.edn", edn(2), ["--format", "jsonl"], 1, ":1: must be one JSON object"],
    [
      "much.edn",
      edn(2).replace("1,", `"${"x".repeat(400_000)}",`),
      ["--max-memory-mib", "1"],
      1,
      ":1: is where the history outgrows",
    ],
    ["init.edn", edn(2), ["--init", "[1"], 2, "--init must be JSON or EDN: EDN ends within a value, at character 3"],
    ["init.log", log, ["--model", "set", "--init", "1"], 2, "--init: set.initial must be a list (got 1)"],
    [
      "page.edn",
      edn(2),
      ["--model", "cas-register", "--html", "/nowhere/a.html"],
      3,
      "the page /nowhere/a.html cannot be written",
    ],
    ["usage.edn", edn(2), ["--model", "registr"], 2, "--model must be one of register, "],
  ])("%s is answered for", async (name, text, options, code, message) => {
    const result = await run(["check", file(name, text), ...options]);
    expect(result.stderr).toContain(message);
    expect(result.code).toBe(code);
  });
});
