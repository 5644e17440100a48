import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { dashboardToken, tokenIsExposed } from "./dashboard-options.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-token-"));
const file = join(directory, "token");

afterAll(() => rmSync(directory, { recursive: true }));

function written(text: string, mode = 0o600): string {
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

describe("the file of the dashboard's token", () => {
  it("may end in a new line, and is refused when it is too short, too long or has spaces, without showing it", () => {
    expect(dashboardToken(written("sixteen-letters!\n"))).toBe("sixteen-letters!");
    for (const text of ["", "fifteen-letters", "with a space in it", "x".repeat(513), "\u00E4".repeat(16)]) {
      const read = (): unknown => dashboardToken(written(text));
      expect(read).toThrow("must be 16 to 512 printable characters");
      if (text !== "") expect(read).not.toThrow(text);
    }
    expect(() => dashboardToken(join(directory, "none"))).toThrow("(ENOENT)");
  });

  it("that others may read is said to be so", () => {
    expect(tokenIsExposed(undefined)).toBeUndefined();
    expect(tokenIsExposed(written("sixteen-letters!", 0o600))).toBeUndefined();
    for (const mode of [0o644, 0o640, 0o604, 0o620]) {
      expect(tokenIsExposed(written("sixteen-letters!", mode))).toBe(
        `the dashboard's token in ${file} is open to others than its owner: chmod 600`,
      );
    }
  });
});
