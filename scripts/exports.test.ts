import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

interface Door {
  readonly source: string;
  readonly types: string;
  readonly default: string;
}

const library = join(import.meta.dirname, "..", "packages", "holdfast");
const { exports: doors } = JSON.parse(readFileSync(join(library, "package.json"), "utf8")) as {
  readonly exports: Readonly<Record<string, Door>>;
};

it("the library has doors", () => expect(Object.keys(doors).length).toBeGreaterThan(20));

it.each(Object.entries(doors))("%s leads to a source, its types, and where the build puts it", (path, door) => {
  expect(existsSync(join(library, door.source))).toBe(true);
  // `tsc` writes declarations beside each other as the sources are, the bundler one folder a door.
  expect(door.types).toBe(door.source.replace("./src/", "./dist/").replace(/\.ts$/, ".d.ts"));
  expect(door.default).toBe(`./dist/${path.slice(2)}/index.js`);
});
