import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const root = mkdtempSync(join(tmpdir(), "holdfast-exit-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const library = join(import.meta.dirname, "../../packages/holdfast/src");
const setUp = `
  import { consoleSink, fileSink } from ${JSON.stringify(join(library, "adapters/node-logs/index.ts"))};
  import { createLogger } from ${JSON.stringify(join(library, "telemetry/index.ts"))};
  const path = process.argv[2];
`;

let programs = 0;
/** Runs a program, by a shell that may limit it; and what it wrote to its file. */
async function run(program: string, before = ":", after = "") {
  const name = join(root, `${++programs}`);
  writeFileSync(`${name}.ts`, setUp + program);
  const line = `${before}; "$0" --conditions=source "$1.ts" "$1.log" ${after}`;
  const child = spawn("bash", ["-c", line, process.execPath, name], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (part: Buffer) => (output += part.toString()));
  child.stderr.on("data", (part: Buffer) => (output += part.toString()));
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const text = (): string => readFileSync(`${name}.log`, "utf8");
  const messages = (): string[] => [...text().matchAll(/"message":"([^"]*)"/g)].map(([, message = ""]) => message);
  return { status, output, text, messages };
}

describe.concurrent("a log file", () => {
  it.each([0, 1, 5])("has every line of a process that exits %d turns after its first", async (turns) => {
    const { status, messages } = await run(`
      const logger = createLogger({ service: "s", sinks: [fileSink({ path })] });
      let turn = 0;
      const step = () => {
        logger.info("line " + turn);
        if (turn++ < ${turns}) return setImmediate(step);
        logger.fatal("over");
        process.exit(3);
      };
      step();
    `);
    expect(status).toBe(3);
    const all = [...Array.from({ length: turns + 1 }, (_, at) => `line ${at}`), "over"];
    expect(messages().toSorted()).toEqual(all.toSorted());
  });

  it("has the lines before an error that nobody caught", async () => {
    const { status, output, messages } = await run(`
      const logger = createLogger({ service: "s", sinks: [fileSink({ path })] });
      logger.info("before");
      setImmediate(() => {
        logger.error("about to fail");
        throw new Error("nobody catches this");
      });
    `);
    expect([status, output.includes("nobody catches this")]).toEqual([1, true]);
    expect(messages().toSorted()).toEqual(["about to fail", "before"]);
  });

  it("holds what its sink says it wrote, to the line, when the disk takes half of a write", async () => {
    const { status, output, text } = await run(
      `
      const sink = fileSink({ path });
      const logger = createLogger({ service: "s", sinks: [sink] });
      for (let at = 0; at < 300; at++) logger.info("line " + at);
      await sink.flush();
      const { written, dropped, error } = sink.metrics;
      console.log(JSON.stringify({ written, dropped, code: error?.code }));
    `,
      // No file of this process may be longer than 8 kB.
      "trap '' XFSZ; ulimit -f 8",
    );
    expect(status, output).toBe(0);
    const { written, dropped, code } = JSON.parse(output) as { written: number; dropped: number; code: string };
    expect([code, written + dropped]).toEqual(["EFBIG", 300]);
    const lines = text().split("\n");
    const whole = lines.filter((line) => line.startsWith("{") && line.endsWith("}"));
    expect(text().length).toBe(8 * 1_024);
    expect([whole.length, written > 50]).toEqual([written, true]);
  });
});

it("a process outlives whoever read what it printed", async () => {
  const { output } = await run(
    `
    const sink = consoleSink();
    const logger = createLogger({ service: "s", sinks: [sink] });
    let turn = 0;
    const timer = setInterval(() => {
      logger.info("line " + turn++);
      if (sink.metrics.dropped < 3) return;
      clearInterval(timer);
      console.error("still here");
    }, 1);
  `,
    ":",
    "| head -n 1",
  );
  expect(output).toContain("line 0");
  expect(output).toContain("still here");
});
