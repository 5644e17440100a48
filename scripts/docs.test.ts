import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

const sources = globSync("packages/*/src/**/*.ts", { cwd: root })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => !path.endsWith(".test.ts") && !path.includes("/testing/"))
  // Without the examples in comments.
  .map((path) => ({ path, text: read(path).replaceAll(/^ *(?:\/\*)?\*.*$/gm, "") }));

const code = /"([A-Z][A-Z_]*)"/g;

/** Where codes stand in the source: given to an error, in a union of codes, in a table of codes or of the platform's. */
const places: readonly RegExp[] = [
  /\bcode: (?:"[A-Z_]+"(?: \| )?)+/g,
  /\bcode \?\? "[A-Z_]+"/g,
  /\btype \w*ErrorCode =\s[^;]*;/g,
  /\bcode = \{[^}]*\}/g,
];

function codesIn(text: string): string[] {
  return places.flatMap((place) =>
    [...text.matchAll(place)].flatMap(([found]) => [...found.matchAll(code)].map(([, name]) => name ?? "")),
  );
}

function platformCodes(): string[] {
  return [...read("packages/holdfast/src/runtime/platform-error.ts").matchAll(/^ {2}(E[A-Z]+): \[/gm)].map(
    ([, name]) => name ?? "",
  );
}

const inSource = new Set([...sources.flatMap(({ text }) => codesIn(text)), ...platformCodes()]);
// A listener's fallback for a platform's error without a code, which is a word and no error of ours.
inSource.delete("UNKNOWN");

const errors = read("docs/errors.md");
const documented = [...errors.matchAll(/^\| `([A-Z][A-Z_]*)` \|/gm)].map(([, name]) => name ?? "");

describe("docs/errors.md", () => {
  it("finds the codes of the source in all the places where they stand", () => {
    for (const name of ["LOG_CORRUPT", "INTERNAL", "TIMED_OUT", "USAGE", "ELOCKED"]) expect(inSource).toContain(name);
  });

  it("documents every code of the source once, and no other", () => {
    expect(documented.toSorted()).toEqual([...inSource].toSorted());
  });

  it("names every class of error", () => {
    const classes = sources.flatMap(({ text }) =>
      [...text.matchAll(/class (\w+) extends HoldfastError/g)].map(([, name]) => name ?? ""),
    );
    expect(classes.length).toBeGreaterThan(5);
    expect(classes.filter((name) => !errors.includes(`\`${name}\``))).toEqual([]);
  });

  it("has the messages, kinds and retryability of coordination's errors", () => {
    const table = read("packages/holdfast/src/coordination/coordination-error.ts");
    const entries = [...table.matchAll(/^ {2}([A-Z_]+): \[\s*"(\w+)",\s*(true|false),\s*"([^"]+)",?\s*\]/gm)];
    expect(entries.length).toBeGreaterThan(10);
    for (const [, name, kind, retryable, message] of entries) {
      expect(errors).toContain(`| \`${name}\` | ${message} | ${kind}, ${retryable === "true" ? "yes" : "no"} |`);
    }
  });
});

/** As GitHub makes an anchor of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

function anchorsOf(path: string): string[] {
  return [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? ""));
}

const pages = globSync(["*.md", "{docs,examples,packages,test,bench}/**/*.md"], {
  cwd: root,
  exclude: ["**/node_modules/**"],
});

describe("the pages", () => {
  it("are all there", () => {
    expect(pages).toEqual(expect.arrayContaining(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]));
  });

  it.each(pages)("%s links to what exists", (page) => {
    const prose = read(page).replaceAll(/^```.*?^```/gms, "");
    const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? "");
    const broken = targets.filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(root, file))) return true;
      return anchor !== undefined && !anchorsOf(file).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

const commands: Readonly<Record<string, string>> = (
  JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> }
).scripts;

describe("commands on the pages", () => {
  it.each(pages)("%s names npm scripts that exist", (page) => {
    const named = [...read(page).matchAll(/npm run (?:-s )?([\w-]+)/g)].map(([, name]) => name ?? "");
    expect(named.filter((name) => name !== "-s" && commands[name] === undefined)).toEqual([]);
  });
});

describe("lists on the pages", () => {
  it("the README has every command", () => {
    const names = [...read("packages/server/src/cli/main.ts").matchAll(/\{ name: "(\w+)"/g)].map(
      ([, name]) => name ?? "",
    );
    expect(names).toContain("up");
    const readme = read("README.md");
    expect(names.filter((name) => !new RegExp(`\`${name}[\` ]`).test(readme))).toEqual([]);
  });

  it("docs/server.md has every option of up and node", () => {
    const page = read("docs/server.md");
    for (const command of ["up", "node"]) {
      const [, table = ""] =
        /\n {2}options: \{\n(.*?)\n {2}\},/s.exec(read(`packages/server/src/cli/${command}-command.ts`)) ?? [];
      const shown = [...table.matchAll(/^ {4}(\w+): (?!.*hidden: true)/gm)].map(
        ([, name]) => `--${(name ?? "").replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      );
      expect(shown.length).toBeGreaterThan(3);
      expect(shown.filter((option) => !page.includes(`\`${option}`))).toEqual([]);
    }
  });

  it("docs/load.md has every option of load, and no other", () => {
    const [, page = ""] = /\n## holdfast load\n(.*)/s.exec(read("docs/load.md")) ?? [];
    const [, table = ""] =
      /\nconst loadOptions = \{\n(.*?)\n\} as const/s.exec(read("packages/server/src/cli/load-command.ts")) ?? [];
    const own = [...table.matchAll(/^ {2}(\w+)[:,]/gm)].map(
      ([, name]) => `--${(name ?? "").replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    );
    expect(own.length).toBeGreaterThan(10);
    const described = [...page.matchAll(/`(--[\w-]+)/g)].map(([, option]) => option ?? "");
    // All commands that ask a cluster have these.
    const shared = ["--timeout-ms", "--json"];
    expect([...new Set([...described, ...shared])].toSorted()).toEqual([...own, ...shared].toSorted());
  });

  it("docs/simulation.md has every kind of fault", () => {
    const [, list = ""] = /faultKinds = \[(.*?)\]/s.exec(read("test/simulation/parameters.ts")) ?? [];
    const kinds = [...list.matchAll(/"(\w+)"/g)].map(([, kind]) => kind ?? "");
    expect(kinds).toContain("crash");
    const page = read("docs/simulation.md");
    expect(kinds.filter((kind) => !page.includes(`\`${kind}\``))).toEqual([]);
  });

  it("docs/dependencies.md has every dependency", () => {
    const page = read("docs/dependencies.md");
    for (const path of [
      "package.json",
      "packages/holdfast/package.json",
      "packages/server/package.json",
      "packages/dashboard/package.json",
    ]) {
      const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read(path)) as Record<string, object>;
      const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
      expect(names.filter((name) => name !== "holdfast" && !page.includes(`\`${name}\``))).toEqual([]);
    }
  });
});
