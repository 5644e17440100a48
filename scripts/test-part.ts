import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describeSimulation, tallySimulation, tallyVitest, type Tally } from "./tally.ts";

/** What `npm test` runs: each part has a name and gives its counts. */
export interface TestPart {
  readonly name: string;
  run(): Tally;
}

const root: string = join(import.meta.dirname, "..");

/** A command that passes or fails as a whole and counts as one. */
export function checkPart(name: string, command: string, ...args: readonly string[]): TestPart {
  return {
    name,
    run: () => (runCommand(command, args).status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }),
  };
}

/** One project of vitest.config.ts; every test counts. */
export function vitestPart(name: string, project: string, exclude: readonly string[] = []): TestPart {
  return {
    name,
    run() {
      const directory = mkdtempSync(join(tmpdir(), "holdfast-test-"));
      try {
        const report = join(directory, "report.json");
        const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
        const excluded = exclude.map((pattern) => `--exclude=${pattern}`);
        const { status } = runCommand("vitest", ["run", "--project", project, ...reporters, ...excluded]);
        return tallyVitest(existsSync(report) ? readFileSync(report, "utf8") : undefined, status === 0);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  };
}

/** Whole clusters under drawn faults; every seed counts. */
export function simulationPart(name: string, seeds: number): TestPart {
  return {
    name,
    run() {
      const args = ["--conditions=source", "test/simulation/main.ts", "--seeds", String(seeds), "--json"];
      const { status, stdout } = runCommand("node", args, { captureStdout: true });
      console.log(describeSimulation(stdout));
      return tallySimulation(stdout, status === 0);
    },
  };
}

function runCommand(
  command: string,
  args: readonly string[],
  options: { readonly captureStdout?: boolean } = {},
): { readonly status: number | null; readonly stdout: string } {
  const stdout = options.captureStdout ? "pipe" : "inherit";
  const {
    status,
    error,
    stdout: text,
  } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", stdout, "inherit"],
    encoding: "utf8",
    maxBuffer: 64 << 20,
    // Also when not started by npm: the repository's own Node and tools come first.
    env: { ...process.env, PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env["PATH"] ?? ""}` },
  });
  if (error !== undefined) console.error(`${command}: ${error.message}`);
  return { status, stdout: text ?? "" };
}
