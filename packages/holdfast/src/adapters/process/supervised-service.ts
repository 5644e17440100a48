import { StepFailure, type RestartRequest, type ServiceStatus } from "../../recovery/index.ts";
import { KeptOutput } from "./kept-output.ts";
import type { LeftBehind } from "./left-behind.ts";
import { RestartBackoff } from "./restart-backoff.ts";
import type { ServiceSettings } from "./service-definition.ts";
import { describeExit, ServiceLife, type ServiceExit } from "./service-life.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** What happened to a service. */
export type ServiceEvent = { readonly service: string; readonly at: number } & (
  | { readonly type: "started"; readonly pid: number | undefined }
  | { readonly type: "ready"; readonly pid: number | undefined }
  | { readonly type: "notReady"; readonly pid: number | undefined; readonly reason: string }
  | { readonly type: "exited"; readonly exit: ServiceExit; readonly restartInMs?: number }
  | { readonly type: "givenUp"; readonly exit: ServiceExit }
  | { readonly type: "leftBehind"; readonly pid: number }
);

type Told<Event> = Event extends ServiceEvent ? Omit<Event, "service" | "at"> : never;

export interface SupervisedParts {
  readonly name: string;
  readonly settings: ServiceSettings;
  readonly left: LeftBehind | undefined;
  readonly tell: (event: ServiceEvent) => void;
}

const keptExits = 20;
const keptKeys = 100;

/** One service: what is asked of it is done one after the other, and what ends by itself is started again. */
export class SupervisedService {
  readonly #parts: SupervisedParts;
  readonly #logs: KeptOutput;
  readonly #backoff: RestartBackoff;
  readonly #exits: ServiceExit[] = [];
  /** Restarts that were asked for with a key: the same one again is the same restart. */
  readonly #asked = new Map<string, Promise<ServiceStatus>>();
  #line: Promise<unknown> = Promise.resolve();
  #state: ServiceStatus["state"] = "stopped";
  #detail: string | undefined;
  #life: ServiceLife | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isWanted = false;
  #isClosed = false;

  constructor(parts: SupervisedParts) {
    this.#parts = parts;
    this.#logs = new KeptOutput(parts.settings.maxLogBytes);
    this.#backoff = new RestartBackoff(parts.settings.restart);
  }

  get status(): ServiceStatus {
    const instance = this.#life?.instance;
    return {
      state: this.#state,
      ...(instance === undefined ? {} : { instance }),
      ...(this.#detail === undefined ? {} : { detail: this.#detail }),
    };
  }

  get pid(): number | undefined {
    return this.#life?.pid;
  }

  get logs(): string {
    return this.#logs.text;
  }

  get exits(): readonly ServiceExit[] {
    return [...this.#exits];
  }

  start(signal: AbortSignal | undefined): Promise<ServiceStatus> {
    return this.#inLine(signal, async () => {
      if (this.#state === "ready") return this.status;
      return await this.#begin();
    });
  }

  async stop(signal: AbortSignal | undefined): Promise<void> {
    await this.#inLine(signal, () => this.#end());
  }

  restart({ signal, idempotencyKey: key }: RestartRequest): Promise<ServiceStatus> {
    const known = key === undefined ? undefined : this.#asked.get(key);
    if (known !== undefined) return unlessAborted(known, signal);
    // Once begun it is carried on to its end, also when nobody waits any more: a service must not be left stopped.
    const restarting = this.#inLine(undefined, async () => {
      signal?.throwIfAborted();
      await this.#end();
      return await this.#begin();
    });
    if (key !== undefined) this.#remember(key, restarting);
    return unlessAborted(restarting, signal);
  }

  /** Ends it, and takes no more orders. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isWanted = false;
    // Not in line: who waits there may wait for a service that never gets ready.
    await this.#end();
    await this.#line;
  }

  #remember(key: string, restarting: Promise<ServiceStatus>): void {
    this.#asked.set(key, restarting);
    // What failed may be tried again with its key.
    restarting.catch(() => this.#asked.delete(key));
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > keptKeys && oldest !== undefined) this.#asked.delete(oldest);
  }

  #inLine<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const mine = this.#line.then(() => {
      signal?.throwIfAborted();
      if (this.#isClosed) throw closed();
      return work();
    });
    this.#line = mine.catch(() => undefined);
    return unlessAborted(mine, signal);
  }

  /** @throws StepFailure (service) when it does not get ready */
  async #begin(): Promise<ServiceStatus> {
    if (this.#isClosed) throw closed();
    this.#isWanted = true;
    this.#backoff.forget();
    await this.#endLeft();
    if (this.#isClosed) throw closed();
    const life = this.#life ?? this.#launch();
    try {
      await life.ready;
    } catch (cause) {
      throw new StepFailure("service", (cause as Error).message, { cause });
    }
    return this.status;
  }

  async #end(): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    await this.#endLeft();
    const life = this.#life;
    if (life !== undefined) {
      this.#enter("stopping");
      await life.end();
    }
    this.#enter("stopped");
  }

  /** Once, before it is touched the first time. */
  async #endLeft(): Promise<void> {
    const { left, name, settings } = this.#parts;
    if (this.#life !== undefined) return;
    const pid = await left?.end(name, settings.graceMs);
    if (pid !== undefined) this.#tell({ type: "leftBehind", pid });
  }

  #launch(): ServiceLife {
    clearTimeout(this.#timer);
    const { settings, left, name } = this.#parts;
    const life = new ServiceLife(settings, this.#logs);
    const { pid } = life;
    this.#life = life;
    if (pid !== undefined) left?.note(name, pid);
    this.#enter("starting");
    this.#tell({ type: "started", pid });
    void life.ready.then(
      () => this.#becameReady(life),
      (error: Error) => this.#tell({ type: "notReady", pid, reason: error.message }),
    );
    void life.exited.then((exit) => this.#over(life, exit));
    return life;
  }

  #becameReady(life: ServiceLife): void {
    if (this.#life !== life || this.#state !== "starting") return;
    this.#enter("ready");
    this.#tell({ type: "ready", pid: life.pid });
  }

  #over(life: ServiceLife, exit: ServiceExit): void {
    if (this.#life !== life) return;
    this.#life = undefined;
    this.#parts.left?.forget(this.#parts.name);
    this.#exits.push(exit);
    if (this.#exits.length > keptExits) this.#exits.shift();
    if (!this.#isWanted) {
      this.#tell({ type: "exited", exit });
      return;
    }
    // One that did not get ready has lived in vain, however long it ran.
    const delayMs = this.#backoff.afterLife(life.isReady ? exit.ranMs : 0);
    if (delayMs === undefined) {
      this.#enter("failed", describeExit(exit));
      this.#tell({ type: "givenUp", exit });
      return;
    }
    this.#enter("starting", `${describeExit(exit)}; again in ${delayMs} ms`);
    this.#timer = setTimeout(() => this.#launch(), delayMs);
    this.#tell({ type: "exited", exit, restartInMs: delayMs });
  }

  #enter(state: ServiceStatus["state"], detail?: string): void {
    this.#state = state;
    this.#detail = detail;
  }

  #tell(event: Told<ServiceEvent>): void {
    try {
      this.#parts.tell({ service: this.#parts.name, at: Date.now(), ...event });
    } catch {
      // A service must not pay for a broken listener.
    }
  }
}

function closed(): StepFailure {
  return new StepFailure("service", "its supervisor is closed", { retryable: false });
}
