import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleRooms } from "./bundle-rooms.ts";

const library = join(import.meta.dirname, "..", "packages", "holdfast");
let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-size-"));
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe("the size of holdfast/resilience, minified and gzipped", () => {
  it.each([
    ["everything", `export * from "holdfast/resilience";`, 34.9],
    ["retry alone", `export { retry } from "holdfast/resilience";`, 4.8],
  ])("%s", async (name, source, mostKb) => {
    const bytes = await bundledBytes(name, source);
    expect(bytes).toBeGreaterThan(200);
    expect(bytes / 1_000, "kB").toBeLessThanOrEqual(mostKb);
  });
});

describe("a cold import of holdfast/resilience", () => {
  // The least of several processes, of more where the machine is busy: what else it does only ever adds.
  it("takes at most 12 ms more than that of an empty module", async () => {
    const built = join(directory, "built");
    await bundleRooms(library, built);
    mkdirSync(join(built, "empty"));
    writeFileSync(join(built, "package.json"), `{ "type": "module" }`);
    writeFileSync(join(built, "empty", "index.js"), "export {};");

    const empty: number[] = [];
    const room: number[] = [];
    const moreMs = (): number => Math.min(...room) - Math.min(...empty);
    for (let i = 0; i < 7 || (i < 60 && moreMs() > 12); i++) {
      empty.push(await importMs(join(built, "empty", "index.js")));
      room.push(await importMs(join(built, "resilience", "index.js")));
    }
    expect(Math.min(...empty)).toBeGreaterThan(0);
    expect(moreMs(), "ms").toBeLessThanOrEqual(12);
  }, 60_000);
});

async function bundledBytes(name: string, source: string): Promise<number> {
  const input = join(directory, `${name.replaceAll(" ", "-")}.js`);
  writeFileSync(input, source);
  const bundle = await rolldown({
    input,
    platform: "node",
    resolve: { alias: { "holdfast/resilience": join(library, "src", "resilience", "index.ts") } },
  });
  const { output } = await bundle.generate({ minify: true });
  await bundle.close();
  expect(output).toHaveLength(1);
  return gzipSync(output[0].code).length;
}

async function importMs(path: string): Promise<number> {
  const program = `const from = performance.now(); await import(${JSON.stringify(pathToFileURL(path).href)}); console.log(performance.now() - from);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  return Number(stdout);
}
