import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { HoldfastError } from "../errors/index.ts";
import { isRejection } from "./retryable.ts";

/** It reads the sources as text, so it takes no part in mutation testing, which rewrites them. */
describe("rejection codes", () => {
  it("pitfall 28: every code with which a policy turns calls away is known", () => {
    const codes = globSync("*.ts", { cwd: import.meta.dirname })
      .filter((file) => !file.endsWith(".test.ts"))
      .map((file) => readFileSync(`${import.meta.dirname}/${file}`, "utf8"))
      .filter((text) => text.includes("extends ResilienceError"))
      .flatMap((text) => [...text.matchAll(/code: "([A-Z_]+)",\s*kind: "resource"/g)].map(([, code = ""]) => code));
    expect(codes).toContain("CIRCUIT_OPEN");
    const unknown = codes.filter((code) => !isRejection(new HoldfastError("x", { code, kind: "resource" })));
    expect(unknown).toEqual([]);
  });
});
