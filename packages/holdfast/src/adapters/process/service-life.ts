import { awaitReadiness } from "./await-readiness.ts";
import type { KeptOutput } from "./kept-output.ts";
import { ProcessGroup } from "./process-group.ts";
import type { ServiceSettings } from "./service-definition.ts";

/** How a life of a service ended. */
export interface ServiceExit {
  readonly pid: number | undefined;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly ranMs: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Whether somebody asked for it. */
  readonly asked: boolean;
  /** The last line that it wrote, or why it could not be started. */
  readonly lastWords: string;
}

/** One life: a process group from its start to its end. */
export class ServiceLife {
  readonly pid: number | undefined;
  readonly instance: string | undefined;
  /** Rejects when it ends before, or is not ready in time; it has been ended by then. */
  readonly ready: Promise<void>;
  readonly exited: Promise<ServiceExit>;
  readonly #group: ProcessGroup | undefined;
  readonly #graceMs: number;
  #asked = false;
  isReady: boolean = false;

  constructor(settings: ServiceSettings, logs: KeptOutput) {
    const { command, directory, environment, passed, graceMs } = settings;
    const startedMs = performance.now();
    this.#graceMs = graceMs;
    const all = { ...passed.of(process.env), ...environment };
    let group: ProcessGroup | undefined;
    let refused: unknown;
    try {
      group = new ProcessGroup(command, { directory, environment: all, input: "ignore" });
      logs.follow(group.stdout);
      logs.follow(group.stderr);
    } catch (error) {
      refused = error;
    }
    this.#group = group;
    this.pid = group?.pid;
    this.instance = this.pid === undefined ? undefined : `${this.pid}@${new Date().toISOString()}`;
    this.exited = this.#end(group, refused, startedMs, logs);
    this.ready = this.#becomesReady(settings);
    this.ready.catch(() => undefined);
  }

  /** Asks it to end, kills what has not after the grace; resolves when nothing of it is left. */
  async end(): Promise<void> {
    this.#asked = true;
    await this.#group?.end(this.#graceMs);
    await this.exited;
  }

  async #end(
    group: ProcessGroup | undefined,
    refused: unknown,
    startedMs: number,
    logs: KeptOutput,
  ): Promise<ServiceExit> {
    const ended = { pid: this.pid, exitCode: null, signal: null };
    let endedMs = startedMs;
    const after = (words: string) => {
      return { ranMs: endedMs - startedMs, at: Date.now(), asked: this.#asked, lastWords: words };
    };
    try {
      if (group === undefined) throw refused;
      const exit = await group.exited;
      endedMs = performance.now();
      // What it has started must not go on without it, nor hold its ports.
      await group.end(this.#graceMs);
      await logs.ended();
      group.stdout.destroy();
      group.stderr.destroy();
      return { ...ended, ...exit, ...after(logs.lastLine) };
    } catch (error) {
      return { ...ended, ...after((error as Error).message) };
    }
  }

  async #becomesReady({ ready, readyWithinMs }: ServiceSettings): Promise<void> {
    const controller = new AbortController();
    const late = setTimeout(
      () => controller.abort(new Error(`it was not ready within ${readyWithinMs} ms`)),
      readyWithinMs,
    );
    void this.exited.then((exit) => controller.abort(new Error(`it ended before it was ready: ${describeExit(exit)}`)));
    try {
      const { pid } = this;
      const group = this.#group;
      if (pid === undefined || group === undefined) {
        await this.exited;
      } else if (ready !== undefined) {
        await awaitReadiness(ready, { pid, outputs: [group.stdout, group.stderr] }, controller.signal);
      }
      controller.signal.throwIfAborted();
      this.isReady = true;
    } catch (error) {
      await this.#group?.end(this.#graceMs);
      throw error;
    } finally {
      clearTimeout(late);
    }
  }
}

/** `exit code 3: no such table` */
export function describeExit({ exitCode, signal, pid, lastWords }: ServiceExit): string {
  const how = pid === undefined ? "could not be started" : (signal ?? `exit code ${exitCode}`);
  return lastWords === "" ? how : `${how}: ${lastWords}`;
}
