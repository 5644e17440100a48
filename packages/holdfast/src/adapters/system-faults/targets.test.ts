import { describe, expect, it } from "vitest";
import { directoryTarget } from "./directory-target.ts";
import { linkTarget } from "./link-target.ts";
import { nodeTarget } from "./node-target.ts";
import { agreesTo } from "./opt-in.ts";
import { pressureTarget } from "./pressure-target.ts";
import { processTarget } from "./process-target.ts";

describe.runIf(process.platform === "linux")("targets of system faults", () => {
  it.each<[() => unknown, string]>([
    [() => processTarget({ name: "p", pid: 1 }), "processTarget.pid must be an integer >= 2 (got 1)"],
    [
      () => processTarget({ name: "p", pid: 5, start: () => undefined }),
      "processTarget.pid must be a function where there is a start (got 5)",
    ],
    [
      () => processTarget({ name: "p", pid: 5, allow: ["hang" as "pause"] }),
      'processTarget.allow[0] must be "pause" or "slow" or "crash" (got "hang")',
    ],
    [() => nodeTarget({ name: "n", pid: -1 }), "nodeTarget.pid must be an integer >= 2 (got -1)"],
    [() => pressureTarget({ maxWorkers: 0 }), "pressureTarget.maxWorkers must be an integer >= 1"],
    [
      () => directoryTarget({ name: "d", directory: "/nowhere/at/all" }),
      'directoryTarget.directory must be a directory (got "/nowhere/at/all")',
    ],
    [
      () => linkTarget({ name: "l", link: "eth0; reboot", namespace: "n" }),
      'linkTarget.link must be the name of a link (got "eth0; reboot")',
    ],
    [
      () => linkTarget({ name: "l", link: "eth0", namespace: "" }),
      'linkTarget.namespace must be the name of a namespace (got "")',
    ],
  ])("refuse what breaks a rule: %#", (make, message) => {
    expect(make).toThrow(message);
  });

  it("fill in the defaults of a kind, and refuse what it does not know", () => {
    const target = processTarget({ name: "p", pid: 5 });
    expect(target.kinds).toEqual(["pause", "slow"]);
    expect(target.check("slow", {})).toEqual({ share: 0.5, everyMs: 100 });
    expect(() => target.check("slow", { share: 2 })).toThrow("parameters.share must be a number >= 0 and <= 1 (got 2)");
    expect(() => target.check("pause", { share: 1 })).toThrow("parameters.share");
    const node = nodeTarget({ name: "n", pid: 5 });
    expect(node.check("slowDisk", { path: "/data", extraMs: 5 })).toEqual({
      path: "/data",
      extraMs: 5,
      share: 1,
      of: "sync",
    });
    expect(() => node.check("fullDisk", { path: "data" })).toThrow(
      'parameters.path must be an absolute path (got "data")',
    );
    expect(() => node.check("clockDrift", {})).toThrow("parameters.ppm must be a number");
    const directory = directoryTarget({ name: "d", directory: "/tmp", leaveFreeBytes: 5 });
    expect(directory.check("fullDisk", {})).toEqual({ freeBytes: 5 });
    expect(() => directory.check("fullDisk", { freeBytes: 4 })).toThrow("parameters.freeBytes must be");
  });
});

it.each([
  ["allow", true],
  ["slow, pause\n", true],
  ["slow", false],
  ["", false],
  [undefined, false],
  ["disallow", false],
])("%o agrees to a pause: %o", (text, agrees) => {
  expect(agreesTo(text, "pause")).toBe(agrees);
});
