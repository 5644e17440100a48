import { spawn, type ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { takeBack, type UndoStep } from "./undo-step.ts";

/** How much later than the injector the guard ends a fault: only when the injector does not. */
const graceMs = 250;
const answerWithinMs = 10_000;

interface Armed {
  readonly line: string;
  readonly answered: PromiseWithResolvers<void>;
}

let child: ChildProcess | undefined;
let lastKey = 0;
const armed = new Map<number, Armed>();

/**
 * Has a process of its own know how to take a fault back: it does so when this process has died, however it died, and when
 * the fault's time is over and nobody has disarmed it. Resolves when it knows, with what disarms it.
 */
export async function armGuard(step: UndoStep, durationMs: number): Promise<() => void> {
  const key = ++lastKey;
  const dueMs = durationMs + graceMs;
  const line = `${JSON.stringify({ key, step, dueMs })}\n`;
  const answered = Promise.withResolvers<void>();
  armed.set(key, { line, answered });
  const disarm = (): void => {
    if (armed.delete(key)) child?.stdin?.write(`${JSON.stringify({ key })}\n`);
  };
  const timer = setTimeout(() => {
    answered.reject(new Error(`the guard of faults does not answer in ${answerWithinMs} ms`));
  }, answerWithinMs);
  try {
    if (child === undefined) child = startGuard();
    else child.stdin?.write(line);
    await answered.promise;
  } catch (error) {
    disarm();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return disarm;
}

/** Starts it with all that is armed. It is alone in its group: what ends the injector's group does not end it. */
function startGuard(): ChildProcess {
  // Neither preloads nor options of this process.
  const { NODE_OPTIONS: _, ...env } = process.env;
  const script = `(${guard.toString()})(${takeBack.toString()})`;
  const started = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "ignore"], detached: true, env });
  let hasAnswered = false;
  let text = "";
  started.stdin.on("error", () => undefined);
  started.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    hasAnswered = true;
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const key of lines) armed.get(Number(key))?.answered.resolve();
  });
  const gone = (why: string): void => {
    if (child !== started) return;
    child = undefined;
    // What is armed must not be without one; but one that never lived will not live the next time either.
    if (hasAnswered && armed.size > 0) child = startGuard();
    else for (const { answered } of armed.values()) answered.reject(new Error(`the guard of faults ended: ${why}`));
  };
  started.on("error", (error) => gone(error.message));
  started.on("exit", (code, signal) => gone(`with ${code ?? signal}`));
  for (const { line } of armed.values()) started.stdin.write(line);
  started.unref();
  (started.stdin as Socket).unref();
  (started.stdout as Socket).unref();
  return started;
}

/** The guard itself. Runs as text: it must not use what is imported or stands around it. */
function guard(undo: (step: UndoStep) => void): void {
  const retryMs = 250;
  const retries = 40;
  const steps = new Map<number, { readonly step: UndoStep; readonly timer: NodeJS.Timeout }>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

  const takeBackNow = (key: number, left: number): void => {
    const known = steps.get(key);
    if (known === undefined) return;
    clearTimeout(known.timer);
    try {
      undo(known.step);
      steps.delete(key);
    } catch {
      const { step } = known;
      if (left === 0) steps.delete(key);
      else steps.set(key, { step, timer: setTimeout(() => takeBackNow(key, left - 1), retryMs) });
    }
  };
  const read = (line: string): void => {
    const { key, step, dueMs } = JSON.parse(line) as { key: number; step?: UndoStep; dueMs: number };
    if (step === undefined) {
      clearTimeout(steps.get(key)?.timer);
      steps.delete(key);
      return;
    }
    steps.set(key, { step, timer: setTimeout(() => takeBackNow(key, retries), dueMs) });
    process.stdout.write(`${key}\n`);
  };
  let text = "";
  process.stdin.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) read(line);
  });
  process.stdout.on("error", () => undefined);
  // The injector is gone: by itself this process ends when nothing is left to take back.
  process.stdin.on("end", () => {
    for (const key of steps.keys()) takeBackNow(key, retries);
  });
}
