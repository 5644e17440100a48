import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { StepContext } from "../../recovery/index.ts";
import { afterAll, describe, expect, it } from "vitest";
import { commandExecutor } from "./command-executor.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-command-"));
afterAll(() => rmSync(directory, { recursive: true }));

function contextOf(parameters: StepContext["parameters"], signal?: AbortSignal): StepContext {
  const names = { planId: "p", executionId: "e", stepId: "s", idempotencyKey: "e/s", fencingToken: 7, attempt: 1 };
  return { ...names, outputs: new Map(), parameters, signal: signal ?? new AbortController().signal };
}

/** A program that all systems have. */
const node = (script: string): string[] => [process.execPath, "-e", script];
const any = commandExecutor({ allow: "any" });
const run = (command: readonly string[], more: object = {}): Promise<unknown> =>
  any.run(contextOf({ command, ...more })) as Promise<unknown>;

async function fileAt(name: string): Promise<string> {
  const path = join(directory, name);
  while (!existsSync(path) || readFileSync(path, "utf8") === "") await delay(5);
  return readFileSync(path, "utf8");
}

function isRunning(pid: number): boolean {
  try {
    // A zombie has ended, whoever should collect it.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

describe.concurrent("a command", () => {
  it("gives its exit code and the ends of what it writes, and knows its key and token", async () => {
    const script =
      'console.log("é".repeat(10000), process.env.HOLDFAST_IDEMPOTENCY_KEY, process.env.HOLDFAST_FENCING_TOKEN, process.env.A); console.error("e")';
    const output = (await run(node(script), { environment: { A: "b" } })) as Record<string, string>;
    expect(output).toMatchObject({ exitCode: 0, stderr: "e\n" });
    expect(Buffer.byteLength(output["stdout"]!)).toBeGreaterThan(4_090);
    expect(Buffer.byteLength(output["stdout"]!)).toBeLessThanOrEqual(4_096);
    expect(output["stdout"]).toMatch(/^é+ e\/s 7 b\n$/);
  });

  it("fails with its exit code and the last line that it wrote, unless that counts as success", async () => {
    const script = 'console.error("first\\nno such table"); process.exit(3)';
    await expect(run(node(script))).rejects.toMatchObject({
      message: expect.stringMatching(/ ended with exit code 3: no such table$/),
      stepErrorKind: "service",
      retryable: true,
    });
    expect(await run(node(script), { succeedsWith: [0, 3] })).toMatchObject({ exitCode: 3 });
  });

  it("is not tried again when there is no such program, or no such directory", async () => {
    const refused = { stepErrorKind: "configuration", retryable: false };
    await expect(run(["/nowhere/at/all"])).rejects.toMatchObject(refused);
    const nowhere = run(node(""), { directory: "/nowhere/at/all" });
    await expect(nowhere).rejects.toMatchObject({ ...refused, message: "there is no directory /nowhere/at/all" });
  });

  it("has no shell, and reads what it is given", async () => {
    const echo = node("process.stdin.pipe(process.stdout); console.log(process.argv[1])").concat("$HOME; ls");
    expect(await run(echo, { input: "said" })).toMatchObject({ stdout: "$HOME; ls\nsaid" });
  });

  it("gets no more of the environment than it should", async () => {
    process.env["HOLDFAST_TEST_SECRET"] = "s";
    const show = node("console.log(Object.keys(process.env).sort().join())");
    const { stdout } = (await run(show)) as { readonly stdout: string };
    expect(stdout).toContain("PATH");
    expect(stdout).not.toContain("SECRET");
    const open = commandExecutor({ allow: "any", pass: ["HOLDFAST_TEST_*"] });
    expect(await open.run(contextOf({ command: show }))).toMatchObject({
      stdout: "HOLDFAST_FENCING_TOKEN,HOLDFAST_IDEMPOTENCY_KEY,HOLDFAST_TEST_SECRET\n",
    });
  });

  it("ends when its step does, with all that it has started, also what takes no notice", async () => {
    const child =
      'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); fs.writeFileSync("child", String(process.pid))';
    const script = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" }); setInterval(() => {}, 1000)`;
    const controller = new AbortController();
    const { run } = commandExecutor({ allow: "any", graceMs: 100 });
    const running = run(contextOf({ command: node(script), directory }, controller.signal)) as Promise<unknown>;
    running.catch(() => undefined);
    const pid = Number(await fileAt("child"));
    expect(isRunning(pid)).toBe(true);
    controller.abort(new Error("too long"));
    await expect(running).rejects.toThrow("too long");
    expect(isRunning(pid)).toBe(false);
  });

  it("has done its work when it ends well after it was told to end", async () => {
    const script =
      'process.on("SIGTERM", () => { console.log("saved"); process.exit(0) }); fs.writeFileSync("ready", "1"); setInterval(() => {}, 1000)';
    const controller = new AbortController();
    const running = Promise.resolve(any.run(contextOf({ command: node(script), directory }, controller.signal)));
    await fileAt("ready");
    controller.abort(new Error("too long"));
    expect(await running).toMatchObject({ exitCode: 0, stdout: "saved\n" });
  });

  it("is over when the program is, also where something it left holds its output open", async () => {
    const left = 'fs.writeFileSync("left", String(process.pid)); setTimeout(() => {}, 60000)';
    const script = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(left)}], { stdio: "inherit", detached: true }).unref(); console.log("started"); process.exit(0)`;
    const startedMs = performance.now();
    expect(await run(node(script), { directory })).toMatchObject({ stdout: "started\n" });
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    const pid = Number(await fileAt("left"));
    expect(isRunning(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
  });
});

describe("what a command may be", () => {
  const wrong = (executor: ReturnType<typeof commandExecutor>, given: StepContext["parameters"]): string | undefined =>
    Object.entries(given)
      .map(([name, value]) => executor.parameters![name]?.check?.(value))
      .find((each) => each !== undefined) ?? executor.check!(given);

  it("is what is allowed, and nothing else of its name", async () => {
    const strict = commandExecutor({ allow: ["true", join(directory, "tool")], set: ["A"] });
    expect(wrong(strict, { command: ["true"], environment: { A: "b" } })).toBeUndefined();
    expect(wrong(strict, { command: ["./tool"], directory })).toBeUndefined();
    expect(wrong(strict, { command: ["./tool"], directory: "/" })).toMatch(/^must run one of true, .*tool \(got/);
    expect(wrong(strict, { command: ["/tmp/true"] })).toMatch(/^must run one of/);
    expect(wrong(strict, { command: ["true"], environment: { PATH: directory } })).toBe("must not set PATH");
    // What references have become is judged where it is run.
    expect(wrong(strict, { command: ["${parameters.program}"] })).toBeUndefined();
    for (const program of ["sh", "${x}"]) {
      const running = strict.run(contextOf({ command: [program] }));
      await expect(running).rejects.toMatchObject({
        stepErrorKind: "validation",
        message: expect.stringMatching("must run one of"),
      });
    }
    expect(await strict.run(contextOf({ command: ["true"] }))).toMatchObject({ exitCode: 0 });
    symlinkSync("/bin/sh", join(directory, "true"));
    await expect(strict.run(contextOf({ command: ["./true"], directory }))).rejects.toThrow("must run one of");
  });

  it("is a line for a shell only where that is allowed", async () => {
    const shell = commandExecutor({ allow: [], shell: true });
    expect(await shell.run(contextOf({ shell: "echo $((1 + 2)) | tr 3 4" }))).toMatchObject({ stdout: "4\n" });
    expect(any.parameters).not.toHaveProperty("shell");
    expect(shell.check!({ shell: "ls", command: ["ls"] })).toBe("must have exactly one of command, shell");
    expect(any.check!({})).toBe("must have a command");
  });

  it.each<[object, string]>([
    [{ command: "ls" }, "must be a list of texts, the program first"],
    [{ command: [] }, "must be a list of texts, the program first"],
    [{ command: ["a\0b"] }, "must be a list of texts, the program first"],
    [{ command: ["a"], environment: { A: 1 } }, "must be texts by name"],
    [{ command: ["a"], succeedsWith: [256] }, "must be a list of exit codes 0 to 255"],
  ])("refuses %j", (given, message) => {
    expect(wrong(any, given as StepContext["parameters"])).toBe(message);
  });

  it.each<[object, string]>([
    [{}, "commandExecutor.allow must be any, or a list of programs: names, or paths (got undefined)"],
    [{ allow: "any", pass: ["a b"] }, "commandExecutor.pass must be names like A or A_*"],
    [{ allow: "any", graceMs: -1 }, "commandExecutor.graceMs must be an integer >= 0"],
    [{ allow: "any", shells: true }, "commandExecutor.shells is no option"],
  ])("options %j are refused", (options, message) => {
    expect(() => commandExecutor(options as never)).toThrow(message);
  });
});
