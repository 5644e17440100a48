import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Command } from "./command.ts";
import { renderHelp, renderOverview } from "./render-help.ts";

const loaded = await Promise.all(
  globSync("*-command.ts", { cwd: import.meta.dirname }).map(async (file) => {
    const room = (await import(`./${file.slice(0, -3)}.ts`)) as Readonly<Record<string, unknown>>;
    return Object.entries(room).flatMap(([name, value]) => (name.endsWith("Command") ? [value as Command] : []));
  }),
);
const commands = loaded.flat().toSorted((a, b) => a.name.localeCompare(b.name));

function longLines(text: string): string[] {
  return text.split("\n").filter((line) => line.length > 80);
}

describe("help", () => {
  it("is there for every command of the command line", () => {
    const table = readFileSync(`${import.meta.dirname}/main.ts`, "utf8");
    const names = [...table.matchAll(/\{ name: "([\w-]+)"/g)].map(([, name]) => name ?? "");
    expect(new Set(commands.map(({ name }) => name))).toEqual(new Set(names));
  });

  it.each(commands)("of $name fits into 80 columns, begins with the usage, and has examples first", (command) => {
    const text = renderHelp(command, (word) => word);
    expect(longLines(text)).toEqual([]);
    expect(text).toMatch(new RegExp(`^holdfast ${command.name}.*\\[options\\]: `));
    expect(text.indexOf("\nExamples\n  ")).toBeGreaterThan(0);
    expect(text.indexOf("\nExamples\n")).toBeLessThan(text.indexOf("\nOptions\n"));
  });

  it("of all fits into 80 columns", () => {
    expect(longLines(renderOverview(commands, (word) => word))).toEqual([]);
  });

  it("continues a long example before an option, as a shell reads it, with its remark above", () => {
    const [command] = commands;
    if (command === undefined) throw new Error("no commands");
    const option = (name: string): string => `--${name} ${name.repeat(12)}`;
    const line = ["holdfast x", ...["ab", "cd", "ef", "gh"].map(option)].join(" ");
    const text = renderHelp({ ...command, examples: [`${line}   # why`] }, (word) => word);
    expect(longLines(text)).toEqual([]);
    expect(text).toContain("  # why\n  holdfast x --ab");
    const [, shown = ""] = /# why\n([^]*?)\n\n/.exec(text) ?? [];
    expect(shown).toContain(" \\\n");
    expect(shown.replaceAll(/ \\\n */g, " ").trim()).toBe(line);
  });
});
