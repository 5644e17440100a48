import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { StepContext } from "holdfast/recovery";
import { describe, expect, it } from "vitest";
import { commandStep } from "./command-step.ts";

function contextOf(command: readonly string[], more: object = {}, signal?: AbortSignal): StepContext {
  const names = { planId: "p", executionId: "e", stepId: "s", idempotencyKey: "e/s", fencingToken: 7, attempt: 1 };
  const parameters = { command, ...more };
  return { ...names, outputs: new Map(), parameters, signal: signal ?? new AbortController().signal };
}

/** A program that both systems have. */
const node = (script: string): string[] => [process.execPath, "-e", script];
const { run } = commandStep();

describe.concurrent("a command", () => {
  it("gives its exit code and the ends of what it writes, and knows its key and token", async () => {
    const script =
      'console.log("x".repeat(10000), process.env.HOLDFAST_IDEMPOTENCY_KEY, process.env.HOLDFAST_FENCING_TOKEN, process.env.A); console.error("e")';
    const output = (await run(contextOf(node(script), { environment: { A: "b" } }))) as Record<string, unknown>;
    expect(output).toMatchObject({ exitCode: 0, stderr: "e\n" });
    expect(output["stdout"]).toHaveLength(4_096);
    expect(output["stdout"]).toMatch(/x e\/s 7 b\n$/);
  });

  it("fails with its exit code and the last line that it wrote", async () => {
    const script = 'console.error("first\\nno such table"); process.exit(3)';
    await expect(run(contextOf(node(script)))).rejects.toMatchObject({
      message: expect.stringMatching(/ ended with exit code 3: no such table$/),
      stepErrorKind: "service",
      retryable: true,
    });
  });

  it("is not tried again when there is no such program", async () => {
    await expect(run(contextOf(["/nowhere/at/all"]))).rejects.toMatchObject({
      stepErrorKind: "configuration",
      retryable: false,
    });
  });

  it("has no shell", async () => {
    const echo = node("console.log(process.argv[1])").concat("$HOME; ls");
    expect(await run(contextOf(echo))).toMatchObject({ stdout: "$HOME; ls\n" });
  });

  it("is told to end, also one that takes no notice", async () => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-command-"));
    const ready = join(directory, "ready");
    const script =
      'process.on("SIGTERM", () => {}); fs.writeFileSync(process.env.READY, ""); setInterval(() => {}, 1000)';
    const controller = new AbortController();
    const context = contextOf(node(script), { environment: { READY: ready } }, controller.signal);
    const running = commandStep({ killAfterMs: 20 }).run(context) as Promise<unknown>;
    running.catch(() => undefined);
    while (!existsSync(ready)) await delay(10);
    controller.abort(new Error("too long"));
    await expect(running).rejects.toThrow("ended with SIGKILL");
    rmSync(directory, { recursive: true });
  });
});
