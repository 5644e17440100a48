import { describe, expect, it } from "vitest";
import { checkLayers } from "./layers.ts";

function check(path: string, text: string): string[] {
  return checkLayers([{ path, text }]);
}

const consensus = "packages/holdfast/src/consensus/raft.ts";

describe("checkLayers", () => {
  it.each([
    ["down", consensus, 'import { Clock } from "../runtime/index.ts";'],
    ["down from a folder inside a room", "packages/holdfast/src/consensus/log/a.ts", 'import "../../errors/index.ts";'],
    ["within the room", consensus, 'import { a } from "./log/segment.ts";'],
    ["coordination on consensus", "packages/holdfast/src/coordination/a.ts", 'import {} from "../consensus/index.ts";'],
    ["down by package name", "packages/server/src/main.ts", 'import { a } from "holdfast/coordination";'],
    ["the server on an adapter", "packages/server/src/main.ts", 'import { a } from "holdfast/adapters/otel";'],
    ["an adapter on any room", "packages/holdfast/src/adapters/redis/a.ts", 'import {} from "../../proof/index.ts";'],
    ["testing on any room", "packages/holdfast/src/testing/a.ts", 'import {} from "../recovery/index.ts";'],
    ["a test on testing", "packages/holdfast/src/wire/a.test.ts", 'import {} from "../testing/index.ts";'],
    ["a test sideways", "packages/holdfast/src/wire/a.test.ts", 'import {} from "../telemetry/index.ts";'],
    ["other packages", consensus, 'import { it } from "vitest";\nimport fs from "node:fs";'],
    ["a comment that speaks of an import", consensus, '/**\n * import { a } from "../server/x.ts";\n */'],
    ["files outside the packages", "bench/kv.ts", 'import { a } from "../packages/server/src/x.ts";'],
  ])("allows %s", (_, path, text) => {
    expect(check(path, text)).toEqual([]);
  });

  it.each([
    [
      "up",
      consensus,
      'import { Member } from "../coordination/index.ts";',
      "room consensus (layer 4) must not import room coordination (layer 5)",
    ],
    [
      "up, for a type",
      "packages/holdfast/src/runtime/a.ts",
      'import type { E } from "../errors/index.ts";',
      "room runtime (layer 1) must not import room errors (layer 2)",
    ],
    [
      "up, dynamically",
      consensus,
      'const x = await import("../proof/index.ts");',
      "room consensus (layer 4) must not import room proof (layer 7)",
    ],
    [
      "up, by re-export",
      consensus,
      'export { a } from "../proof/index.ts";',
      "room consensus (layer 4) must not import room proof (layer 7)",
    ],
    [
      "up, for effect",
      consensus,
      'import "../proof/index.ts";',
      "room consensus (layer 4) must not import room proof (layer 7)",
    ],
    [
      "up, by package name",
      consensus,
      'import { up } from "@holdfast/server";',
      "room consensus (layer 4) must not import room server (layer 9)",
    ],
    [
      "up, from a test",
      "packages/holdfast/src/wire/a.test.ts",
      'import {} from "../consensus/index.ts";',
      "room wire (layer 3) must not import room consensus (layer 4)",
    ],
    [
      "sideways",
      consensus,
      'import {} from "../membership/index.ts";',
      "room consensus (layer 4) must not import room membership (layer 4)",
    ],
    [
      "past an index",
      consensus,
      'import {} from "../runtime/runtime.ts";',
      "room runtime is entered through its index.ts",
    ],
    [
      "into the source of another package",
      "packages/server/src/main.ts",
      'import {} from "../../holdfast/src/wire/frame.ts";',
      "room wire is entered through its index.ts",
    ],
    ["testing", consensus, 'import {} from "../testing/index.ts";', "only tests may import room testing"],
    [
      "an adapter",
      consensus,
      'import {} from "../adapters/redis/index.ts";',
      "room consensus must not import adapters/redis: only the server does",
    ],
    [
      "another adapter",
      "packages/holdfast/src/adapters/redis/a.ts",
      'import {} from "../nats/index.ts";',
      "room adapters/redis must not import adapters/nats: only the server does",
    ],
    ["a room of no layer", consensus, 'import {} from "../misc/index.ts";', "room misc is in no layer"],
  ])("refuses %s", (_, path, text, reason) => {
    const [, specifier] = /"([^"]+)"/.exec(text) ?? [];
    expect(check(path, `// first line\n${text}`)).toEqual([`${path}:2 imports ${specifier}: ${reason}`]);
  });

  it("names the line on which a long import ends", () => {
    const text = 'import {\n  a,\n  b,\n} from "../coordination/index.ts";\n';
    expect(check(consensus, text)[0]).toContain(`${consensus}:4 imports ../coordination/index.ts`);
  });

  it("refuses files of no room and rooms of no layer", () => {
    expect(check("packages/holdfast/src/index.ts", "")[0]).toContain("lies in no room");
    expect(check("packages/holdfast/src/misc/a.ts", "")[0]).toContain("which no layer holds");
  });

  it("refuses files over 500 lines unless they are generated", () => {
    expect(check("bench/a.ts", "x\n".repeat(500))).toEqual([]);
    expect(check("bench/a.ts", "x\n".repeat(501))).toEqual(["bench/a.ts:501 is beyond 500 lines (the file has 501)"]);
    expect(check("bench/a.ts", "x\n".repeat(500) + "y")).toHaveLength(1);
    expect(check("bench/a.ts", "// @generated\n" + "x\n".repeat(900))).toEqual([]);
  });
});
