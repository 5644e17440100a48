import { describe, expect, it } from "vitest";
import { defineCommand } from "./command.ts";
import { ExitError, exitCodes } from "./exit.ts";
import { address, choice, endpoints, flag, integer, peers, text } from "./option.ts";
import { nearest, optionName, parseLine } from "./parse-line.ts";

const command = defineCommand({
  name: "try",
  summary: "try the frame",
  examples: [],
  positionals: [
    { name: "KEY", help: "the key" },
    { name: "VALUE", help: "the value", optional: true },
  ],
  options: {
    nodes: integer({ min: 1, max: 7, default: 3, help: "" }),
    rev: integer({ min: 1, max: Number.MAX_SAFE_INTEGER, help: "" }),
    data: text({ placeholder: "DIR", default: ".holdfast", help: "" }),
    clusterName: text({ placeholder: "NAME", default: "holdfast", help: "" }),
    client: address({ default: { host: "127.0.0.1", port: 2379 }, help: "" }),
    model: choice({ choices: ["kv", "register"], default: "kv", help: "" }),
    endpoints,
    json: flag("json"),
    secret: flag("hidden", { hidden: true }),
  },
  run: async () => exitCodes.ok,
});

const read = (line: string, environment: Record<string, string> = {}): ReturnType<typeof parseLine> =>
  parseLine(command, line.split(" ").filter(Boolean), environment);

describe("parseLine", () => {
  it("fills in what the line leaves out", () => {
    expect(read("key")).toEqual({
      help: false,
      positionals: ["key"],
      options: {
        nodes: 3,
        rev: undefined,
        data: ".holdfast",
        clusterName: "holdfast",
        client: { host: "127.0.0.1", port: 2379 },
        model: "kv",
        endpoints: ["http://127.0.0.1:2379"],
        json: false,
        secret: false,
      },
    });
  });

  it.each([
    ["k --nodes 5", { nodes: 5 }],
    ["k --nodes=7 --json", { nodes: 7, json: true }],
    ["--json k --cluster-name blue", { json: true, clusterName: "blue" }],
    ["k --client [::1]:9", { client: { host: "::1", port: 9 } }],
    ["k --client localhost:0", { client: { host: "localhost", port: 0 } }],
    ["k --data=--odd", { data: "--odd" }],
    ["k --nodes 1 --nodes 2", { nodes: 2 }],
    ["k --model register", { model: "register" }],
    ["k --endpoints http://a:1,http://b:2/", { endpoints: ["http://a:1", "http://b:2"] }],
  ])("%s", (line, expected) => {
    expect(read(line).options).toMatchObject(expected);
  });

  it("takes what follows -- as it is", () => {
    expect(read("k -- --nodes").positionals).toEqual(["k", "--nodes"]);
  });

  it("asks for help whatever else is wrong", () => {
    expect(read("--help").help).toBe(true);
    expect(read("-h a b").help).toBe(true);
  });

  it("prefers the line to the environment, and that to the default", () => {
    const environment = { HOLDFAST_ENDPOINTS: "http://e:1" };
    expect(read("k", environment).options["endpoints"]).toEqual(["http://e:1"]);
    expect(read("k --endpoints http://l:2", environment).options["endpoints"]).toEqual(["http://l:2"]);
    expect(read("k", { HOLDFAST_ENDPOINTS: "" }).options["endpoints"]).toEqual(["http://127.0.0.1:2379"]);
  });

  it.each([
    ["", "KEY is missing: the key"],
    ["a b c", 'unexpected argument "c"'],
    ["k --nodes x", '--nodes must be an integer 1..7 (got "x")'],
    ["k --nodes 8", '--nodes must be an integer 1..7 (got "8")'],
    ["k --nodes 1.5", '--nodes must be an integer 1..7 (got "1.5")'],
    ["k --nodes=", '--nodes must be an integer 1..7 (got "")'],
    ["k --rev -1", '--rev must be an integer >= 1 (got "-1")'],
    ["k --nodes", "--nodes needs a value: --nodes N"],
    ["k --data --json", "--data needs a value: --data DIR"],
    ["k --data=", "--data must not be empty"],
    ["k --json=yes", '--json takes no value (got "yes")'],
    ["k --node 3", "unknown option --node; did you mean --nodes?"],
    ["k --frobnicate", "unknown option --frobnicate"],
    ["k -x", "unknown option -x"],
    ["k --secre", "unknown option --secre"],
    ["k --client 2379", '--client must be HOST:PORT with a port 0..65535 (got "2379")'],
    ["k --client a:70000", '--client must be HOST:PORT with a port 0..65535 (got "a:70000")'],
    ["k --model nope", '--model must be one of kv, register (got "nope")'],
    [
      "k --endpoints localhost:2379",
      '--endpoints must be URLs like http://127.0.0.1:2379, separated by commas (got "localhost:2379")',
    ],
  ])("%j is refused", (line, message) => {
    expect(() => read(line)).toThrow(expect.objectContaining({ message, exitCode: exitCodes.usage }));
  });

  it("blames the environment for what it said", () => {
    expect(() => read("k", { HOLDFAST_ENDPOINTS: "nonsense" })).toThrow(/^HOLDFAST_ENDPOINTS must be URLs/);
  });

  it("requires what is required", () => {
    const strict = defineCommand({
      name: "node",
      summary: "",
      examples: [],
      options: { cluster: { ...peers(""), required: true } },
      run: async () => exitCodes.ok,
    });
    expect(() => parseLine(strict, [], {})).toThrow("--cluster is required: --cluster NAME=HOST:PORT,…");
    expect(parseLine(strict, ["--cluster", "a=h:1,b=h:2"], {}).options).toEqual({
      cluster: [
        { name: "a", peer: { host: "h", port: 1 } },
        { name: "b", peer: { host: "h", port: 2 } },
      ],
    });
    expect(() => parseLine(strict, ["--cluster", "a=h:1,a=h:2"], {})).toThrow('--cluster names "a" twice');
    expect(() => parseLine(strict, ["--cluster", "h:1"], {})).toThrow(ExitError);
  });
});

it.each([
  ["nodes", "--nodes"],
  ["clusterName", "--cluster-name"],
  ["electionTimeoutMs", "--election-timeout-ms"],
])("option %s is %s on the line", (key, name) => {
  expect(optionName(key)).toBe(name);
});

it.each([
  ["statsu", "status"],
  ["gte", "get"],
  ["dril", "drill"],
  ["xyzzy", undefined],
])("%s is nearest to %s", (word, expected) => {
  expect(nearest(word, ["up", "get", "status", "drill"])).toBe(expected);
});
