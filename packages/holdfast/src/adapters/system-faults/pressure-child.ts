import { spawn } from "node:child_process";

/** What a child of its own presses on: processors for a share of the time, or memory. */
export type Pressure =
  | { readonly on: "cpu"; readonly workers: number; readonly share: number }
  | { readonly on: "memory"; readonly bytes: number };

export interface PressureChild {
  readonly pid: number;
  /** Ends it; resolves when it is gone, and with it what it held. */
  end(): Promise<void>;
}

const endWithinMs = 1_000;

/** Starts one; resolves when the pressure is there. It ends by itself after its time, and when this process is gone. */
export function startPressure(pressure: Pressure, durationMs: number): Promise<PressureChild> {
  const script = `(${press.toString()})(${JSON.stringify(pressure)}, ${durationMs}, ${JSON.stringify(burn.toString())})`;
  // Neither preloads nor options of this process.
  const env = { PATH: process.env["PATH"] };
  const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "ignore"], env });
  child.stdin.on("error", () => undefined);
  const gone = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", () => resolve());
  });
  const end = async (): Promise<void> => {
    const timer = setTimeout(() => child.kill("SIGKILL"), endWithinMs);
    child.stdin.end();
    await gone;
    clearTimeout(timer);
  };
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => reject(new Error(`the pressure on ${pressure.on} ended: ${code ?? signal}`)));
    child.stdout.once("data", () => resolve({ pid: child.pid ?? 0, end }));
  });
}

/** The child. Runs as text, as does `burn`: neither must use what is imported or stands around it. */
function press(pressure: Pressure, durationMs: number, burning: string): void {
  const graceMs = 250;
  const chunkBytes = 16 * 1024 * 1024;
  // An end of the pipe is an end of the pressure, whatever became of the injector.
  process.stdin.on("end", () => process.exit()).resume();
  process.stdout.on("error", () => process.exit());
  setTimeout(() => process.exit(), durationMs + graceMs);
  if (pressure.on === "memory") {
    // Where memory runs out altogether, the system takes this process first.
    if (process.platform === "linux") {
      process.getBuiltinModule("node:fs").writeFileSync("/proc/self/oom_score_adj", "1000");
    }
    const held: Buffer[] = [];
    let left = pressure.bytes;
    const hold = (): void => {
      if (left <= 0) {
        process.stdout.write(`holding ${held.length}\n`);
        return;
      }
      held.push(Buffer.alloc(Math.min(left, chunkBytes), 1));
      left -= chunkBytes;
      setImmediate(hold);
    };
    hold();
    return;
  }
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  let starting = pressure.workers;
  for (let at = 0; at < pressure.workers; at++) {
    const worker = new Worker(`(${burning})(${pressure.share})`, { eval: true });
    worker.once("online", () => {
      if (--starting === 0) process.stdout.write("burning\n");
    });
  }
}

/** A thread that is busy for a share of each 100 ms. */
function burn(share: number): void {
  const everyMs = 100;
  const rest = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const began = performance.now();
    while (performance.now() - began < share * everyMs);
    const left = everyMs - (performance.now() - began);
    if (left > 0) Atomics.wait(rest, 0, 0, left);
  }
}
