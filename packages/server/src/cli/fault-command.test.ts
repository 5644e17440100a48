import { describe, expect, it } from "vitest";
import { faultCommand, renderFaults } from "./fault-command.ts";
import { parseLine } from "./parse-line.ts";
import type { Terminal } from "./terminal.ts";

const plain = (_: string, text: string): string => text;

function runLine(...line: readonly string[]): Promise<unknown> {
  const { options, positionals } = parseLine(faultCommand, line, {});
  return faultCommand.run({ options, positionals, terminal: {} as Terminal });
}

describe("a line of holdfast fault", () => {
  it.each<[readonly string[], string]>([
    [["mend"], 'ACTION must be one of add, list, remove, heal, process, clock, pressure, disk (got "mend")'],
    [["process", "5"], "process needs PID and KIND"],
    [["disk"], "disk needs a directory or PID and KIND"],
    [["pressure", "cpu", "5"], 'unexpected argument "5"'],
    [["process", "5", "vanish"], 'KIND must be one of pause, slow, crash, blockedLoop, openFiles (got "vanish")'],
    [["disk", "5", "corruptDisk"], "KIND must be one of fullDisk, slowDisk, failingSync, failingDisk"],
    [["disk", "/nowhere/at/all", "fullDisk"], "directoryTarget.directory must be a directory"],
    [["clock", "x", "clockStop"], 'PID must be the number of a process (got "x")'],
    [["process", "1", "pause"], "processTarget.pid must be an integer >= 2 (got 1)"],
    [["process", "5", "pause", "--api", "http://a,http://b"], "process serves at one --api URL"],
    [["add", "redis"], "add needs TARGET and KIND"],
    [["remove"], "remove needs the fault's ID"],
    [["heal", "redis"], 'unexpected argument "redis"'],
    [["remove", "a", "b"], 'unexpected argument "b"'],
  ])("%o is refused", async (line, message) => {
    await expect(runLine(...line)).rejects.toThrow(message);
  });

  it.each<[readonly string[], string]>([
    [
      ["list", "--api", "https://a"],
      '--api must be URLs like http://127.0.0.1:8474, separated by commas (got "https://a")',
    ],
    [
      ["list", "--api", "http://a,http://a/b"],
      '--api must be URLs like http://127.0.0.1:8474, separated by commas (got "http://a/b")',
    ],
    [["add", "a", "b", "--set", "x"], '--set must be NAME=VALUE, separated by commas (got "x")'],
    [["add", "a", "b", "--duration-ms", "0"], '--duration-ms must be an integer 1..86400000 (got "0")'],
  ])("%o cannot be read", (line, message) => {
    expect(() => parseLine(faultCommand, line, {})).toThrow(message);
  });

  it("reads numbers, words, true and false", () => {
    const { options } = parseLine(faultCommand, ["add", "a", "b", "--set", "x=1.5,y=down,z=true,w=-2"], {});
    expect(options["set"]).toEqual({ x: 1.5, y: "down", z: true, w: -2 });
  });
});

it("lists who agrees to what, and what goes on, without control characters of others", () => {
  const fault = { id: "a", target: "redis", kind: "delay", durationMs: 5, startedAt: 0, state: "active" } as const;
  const parameters = { delayMs: 5, direction: "up\u001b[2J" };
  const rest = { parameters, struck: 3, reason: null, error: null };
  expect(
    renderFaults({ targets: [{ name: "redis", kinds: ["delay"] }], faults: [{ ...fault, ...rest }] }, plain),
  ).toEqual([
    "redis agrees to delay",
    "ID  TARGET  KIND   STATE   STRUCK  PARAMETERS",
    "a   redis   delay  active  3       delayMs=5,direction=up?[2J",
  ]);
  expect(renderFaults({ targets: [], faults: [] }, plain)).toEqual(["no faults go on"]);
});
