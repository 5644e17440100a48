import { spawn, type ChildProcess } from "node:child_process";
import type { Endpoint } from "./endpoint.ts";

/** An etcdctl that goes on until it is told to stop: it is written to, and what it prints is waited for. */
export class RunningEtcdctl {
  readonly #child: ChildProcess;
  readonly exitCode: Promise<number | null>;
  #printed = "";
  #wake = Promise.withResolvers<void>();
  #isOver = false;

  constructor(endpoint: Endpoint, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#child = spawn("etcdctl", [`--endpoints=${endpoint.client}`, ...args], {
      env: { ...process.env, ETCDCTL_API: "3", ...environment },
    });
    for (const output of [this.#child.stdout!, this.#child.stderr!]) {
      output.setEncoding("utf8").on("data", (text: string) => {
        this.#printed += text;
        this.#awake();
      });
    }
    // It may end without having read all.
    this.#child.stdin!.on("error", () => undefined);
    this.exitCode = new Promise((resolve) =>
      this.#child.once("close", (exitCode) => {
        this.#isOver = true;
        this.#awake();
        resolve(exitCode);
      }),
    );
  }

  /** On stdout and stderr, without the client library's log lines. */
  get printed(): string {
    return this.#printed.replaceAll(/^\{"level".*\n/gm, "");
  }

  write(text: string): void {
    this.#child.stdin!.write(text);
  }

  /** Ends its stdin. */
  end(): void {
    this.#child.stdin!.end();
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.#child.kill(signal);
  }

  /** Until what it has printed matches; false when it ends before. */
  async untilPrinted(pattern: RegExp): Promise<boolean> {
    while (!pattern.test(this.printed)) {
      if (this.#isOver) return false;
      await this.#wake.promise;
    }
    return true;
  }

  #awake(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
