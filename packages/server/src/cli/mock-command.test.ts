import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mockCommand } from "./mock-command.ts";
import { parseLine } from "./parse-line.ts";
import type { Terminal } from "./terminal.ts";

let directory: string;
let file: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "holdfast-mock-"));
  file = join(directory, "a.yaml");
  writeFileSync(file, "routes: [{ path: /a, answer: {} }]\n");
});

afterAll(() => rmSync(directory, { recursive: true }));

async function runLine(...line: readonly string[]): Promise<unknown> {
  const { options, positionals } = parseLine(mockCommand, line, {});
  return mockCommand.run({ options, positionals, terminal: {} as Terminal });
}

describe("a line of holdfast mock", () => {
  it.each<[readonly string[], object]>([
    [["--host", "0.0.0.0"], { code: "USAGE", message: expect.stringContaining("add --allow-remote if that is meant") }],
    [["--token", "short"], { code: "USAGE", message: expect.stringContaining("--token must be 8 to 1000 letters") }],
    [
      ["--token", "long-enough", "--prefix", "mock"],
      { code: "USAGE", message: '--prefix must be a path like /_mock (got "mock")' },
    ],
    [["--port", "70000"], { code: "USAGE", message: '--port must be an integer 0..65535 (got "70000")' }],
  ])("%j is refused", async (line, error) => {
    await expect(runLine(file, ...line)).rejects.toMatchObject(error);
  });

  it("a file that is not there, and a port that is taken, are no fault of the line", async () => {
    const missing = join(directory, "none.yaml");
    await expect(runLine(missing)).rejects.toMatchObject({
      code: "ENVIRONMENT",
      message: `${missing} cannot be read: ENOENT`,
    });
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    await expect(runLine(file, "--port", String(port))).rejects.toMatchObject({
      code: "ENVIRONMENT",
      message: expect.stringContaining("take another --port"),
    });
    other.close();
  });
});
