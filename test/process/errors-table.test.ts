import { readFileSync } from "node:fs";
import { join } from "node:path";
import { builtInClassifiers, failureMeanings, type FailureErrorCode } from "holdfast/errors";
import { describe, expect, it } from "vitest";
import { unprovokedRows } from "../clients/unprovoked-rows.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/errors/classification.md"), "utf8");
const codes = readFileSync(join(import.meta.dirname, "../../docs/errors.md"), "utf8");

/** `row | code | effect | mark` of the table under a heading. */
function rowsOf(system: string): string[] {
  const [, section = ""] = page.split(`\n## ${system}\n`);
  const lines = section.split("\n## ")[0]!.split("\n");
  return lines.filter((line) => line.startsWith("| ")).slice(2);
}

it("the page has the systems in the order in which they are asked", () => {
  const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual(builtInClassifiers.map(({ system }) => system));
});

it.each(builtInClassifiers)("the page has every row of $system, and no other", ({ system, rules }) => {
  const expected = Object.entries(rules).map(([key, rule]) => {
    expect(typeof rule === "string" || Array.isArray(rule)).toBe(true);
    const [code, effect] = (typeof rule === "string" ? [rule] : rule) as readonly [FailureErrorCode, string?];
    const mark = unprovokedRows[system]?.[key] === undefined ? "" : "documented";
    return [key, `\`${code}\``, effect ?? failureMeanings[code][2], mark];
  });
  const shown = rowsOf(system).map((line) =>
    line
      .split("|")
      .slice(1, 5)
      .map((cell) => cell.trim()),
  );
  expect(shown).toEqual(expected);
});

describe("docs/errors.md", () => {
  it.each(Object.entries(failureMeanings))("has the meaning of %s", (code, [kind, transient, effect]) => {
    const cells = `${kind}, ${transient ? "yes" : "no"}`;
    const line = codes.split("\n").find((each) => each.startsWith(`| \`${code}\` |`)) ?? "";
    expect(line).toContain(`| ${cells} |`);
    if (line.split("|")[3]?.trim() === effect) return;
    // These stand in tables without a column of effects.
    expect(["OPERATION_TIMED_OUT", "TOO_MANY_REQUESTS", "CIRCUIT_OPEN", "BULKHEAD_FULL"]).toContain(code);
  });
});
