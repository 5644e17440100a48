import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** The names that each import path gives, types too: `export { a, type B, c as d } from …`. */
const doors = new Map<string, ReadonlySet<string>>();
for (const [folder, name] of [
  ["packages/holdfast", "holdfast"],
  ["packages/server", "@holdfast/server"],
] as const) {
  const { exports } = JSON.parse(read(`${folder}/package.json`)) as {
    readonly exports: Readonly<Record<string, { readonly source: string }>>;
  };
  for (const [path, { source }] of Object.entries(exports)) {
    const lists = [...read(join(folder, source)).matchAll(/^export (?:type )?\{([^}]*)\}/gm)];
    const names = lists.flatMap(([, list = ""]) => namesIn(list));
    doors.set(name + path.slice(1), new Set(names));
  }
}

/** `type A, b as c` is A and c. */
function namesIn(list: string): string[] {
  return list
    .replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, "")
    .split(",")
    .map((part) =>
      part
        .trim()
        .replace(/^type /, "")
        .replace(/^.* as /, ""),
    )
    .filter((name) => name !== "");
}

const ours = new Set([...doors.values()].flatMap((names) => [...names]));

const pages = globSync(["*.md", "docs/**/*.md"], { cwd: root }).map((path) => {
  const blocks = [...read(path).matchAll(/^ *```(?:ts|js)\n(.*?)^ *```/gms)].map(([, text = ""]) => text);
  const code = blocks.join("\n");
  const imports = [...code.matchAll(/^import (?:type )?\{([^}]*)\} from "([^"]+)";/gm)].map(
    ([, list = "", from = ""]) => ({ from, list }),
  );
  return { path, code, imports };
});

describe("snippets on the pages", () => {
  it("are found, and so are the doors", () => {
    expect(pages.flatMap(({ imports }) => imports).length).toBeGreaterThan(50);
    expect(doors.get("holdfast/resilience")).toContain("retry");
    expect(doors.get("@holdfast/server")).toContain("serveMember");
  });

  it.each(pages)("of $path import what is there", ({ imports }) => {
    const missing = imports.flatMap(({ from, list }) => {
      if (!/^(?:@holdfast\/|holdfast\b)/.test(from)) return [];
      const given = doors.get(from);
      if (given === undefined) return [from];
      const wanted = list.split(",").map((part) =>
        part
          .trim()
          .replace(/^type /, "")
          .replace(/ as .*$/, ""),
      );
      return wanted.filter((name) => name !== "" && !given.has(name)).map((name) => `${name} of ${from}`);
    });
    expect(missing).toEqual([]);
  });

  it.each(pages)("of $path say where what they call comes from", ({ code, imports }) => {
    const known = new Set(imports.flatMap(({ list }) => namesIn(list)));
    for (const [, name = ""] of code.matchAll(/\b(?:const|let|function|class) (\w+)/g)) known.add(name);
    for (const [, list = ""] of code.matchAll(/\bconst \{([^}]*)\}/g))
      for (const name of list.split(/\W+/)) known.add(name);
    const text = code.replaceAll(/^import [^;]*;|\/\/.*$|"(?:[^"\\\n]|\\.)*"/gm, "");
    const called = [...text.matchAll(/(?<![.\w])([a-z]\w*)(?:<[^>]*>)?\(/g)].map(([, name = ""]) => name);
    expect([...new Set(called)].filter((name) => ours.has(name) && !known.has(name))).toEqual([]);
  });
});
