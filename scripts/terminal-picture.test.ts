import { describe, expect, it } from "vitest";
import { terminalPicture } from "./terminal-picture.ts";

const escape = "\u001B[";

function texts(capture: string): string[] {
  return [...terminalPicture(capture, "t").matchAll(/<text .*?<\/text>/g)].map(([element]) => element);
}

describe("terminalPicture", () => {
  it("places runs of text by their columns and rows", () => {
    const [first, second, third] = texts("ab  cd\n e");
    expect(first).toContain('x="16.0" y="30"');
    expect(second).toContain(`x="${(16 + 4 * 8.4).toFixed(1)}" y="30"`);
    expect(third).toContain(`x="${(16 + 8.4).toFixed(1)}" y="49"`);
  });

  it("carries styles over lines until they are taken back", () => {
    const [bold, green, both, none] = texts(
      `${escape}1mbold${escape}0m  ${escape}32mgreen\n${escape}1mboth${escape}22;39m  none`,
    );
    expect(bold).toContain('class="bold"');
    expect(green).toContain('class="green"');
    expect(both).toContain('class="bold green"');
    expect(none).not.toContain("class");
  });

  it("leaves out other escape sequences and empty lines at the end, and escapes what XML means", () => {
    const picture = terminalPicture(`${escape}?25l<a & "b">\n\n\n`, "t");
    expect(picture).toContain(">&lt;a &amp; &quot;b&quot;&gt;</text>");
    expect(picture).not.toContain("\u001B");
    expect(picture).toContain('height="51"');
  });

  it("has colours for both schemes", () => {
    expect(terminalPicture("a", "t")).toMatch(/fill:#1f2328.*@media\(prefers-color-scheme:dark\).*fill:#e6edf3/);
  });
});
