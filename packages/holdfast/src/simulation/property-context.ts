import { checkNumber, InvalidArgumentError } from "../errors/base.ts";
import {
  drawSchedule,
  injectFaults,
  type FaultSchedule,
  type FaultTarget,
  type FaultType,
  type Injection,
  type Selector,
} from "../proof/index.ts";
import {
  seededRandom,
  type ProcessOptions,
  type Runtime,
  type SimulatedProcess,
  type World,
} from "../runtime/index.ts";
import { InterruptionDraws, type Interruption } from "./interruption.ts";
import { PropertyError } from "./property-error.ts";
import type { PropertySettings } from "./property-options.ts";

/** A named interleaving point: undefined where nothing happens, else a promise, which never resolves after a crash. */
export type Point = (name: string) => Promise<void> | undefined;

/** Notes that a state worth testing was reached, when `condition` holds. */
export type Sometimes = (name: string, condition?: boolean) => void;

/** Whether a path that is hardly ever taken is taken now: a cache that misses, a call that is refused. */
export type Rarely = (name: string) => boolean;

/** What code marks itself with, so that runs can be led through it and counted. Optional parameters in production. */
export interface Marks {
  readonly point: Point;
  readonly rarely: Rarely;
  readonly sometimes: Sometimes;
}

/** The code of a process: from its start until it ends, is killed or loses its power. */
export type ServiceMain = (runtime: Runtime, marks: Marks) => void | Promise<void>;

export interface ServiceOptions extends ProcessOptions {
  /** Whether `one`, `some` and `all` mean it too. Default true. */
  readonly struck?: boolean;
  /**
   * How long after its main has thrown it starts again, as under a supervisor; counted as `exit` among the world's faults.
   * Default never: what it throws ends the run.
   */
  readonly restartMs?: number;
}

/** What a run works with, besides its world. */
export interface PropertyContext {
  readonly seed: number;
  /** Starts a process under this name and address; what brings it down starts it again in the end. */
  service(name: string, main: ServiceMain, options?: ServiceOptions): SimulatedProcess;
  /**
   * Runs something once in a process that no fault strikes, though what is between it and others may be struck; gives its
   * value. What it throws ends the run.
   */
  client<Value>(name: string, main: (runtime: Runtime, marks: Marks) => Value | Promise<Value>): Promise<Value>;
  /** Targets of faults that are known only when the moment has come, such as `leader`. */
  selector(name: string, selector: Selector): void;
  /** Begins the seed's faults, once, on the services that there are; `finished` resolves when all is healed. */
  injectFaults(): Injection;
  /** A promise that must hold after every event. Returns what ends it. */
  always(name: string, holds: () => boolean): () => void;
  readonly sometimes: Sometimes;
  /** Ends the run unless `holds`, also when somebody catches what it throws. @throws PropertyError */
  check(name: string, holds: boolean, detail?: string): void;
}

/** One run's context, and what it saw. */
export class RunContext implements PropertyContext {
  readonly seed: number;
  /** What has been seen, by name. */
  readonly marks: Map<string, boolean> = new Map();
  readonly interruptions: Interruption[] = [];
  /** What was drawn, also what was left out. */
  schedule: FaultSchedule | undefined;
  readonly #world: World;
  readonly #settings: PropertySettings;
  readonly #keep: ReadonlySet<string> | undefined;
  readonly #draws: InterruptionDraws;
  readonly #nodes = new Map<string, FaultTarget>();
  readonly #struck = new Set<string>();
  readonly #selectors: Record<string, Selector> = {};
  #injection: Injection | undefined;
  #broken: PropertyError | undefined;

  constructor(world: World, settings: PropertySettings, keep: ReadonlySet<string> | undefined) {
    this.#world = world;
    this.#settings = settings;
    this.#keep = keep;
    this.seed = world.seed;
    this.#draws = new InterruptionDraws(world.seed, settings.points, keep);
    // Whoever catches all errors of a call must not catch this one.
    world.onStep(() => {
      if (this.#broken !== undefined) throw this.#broken;
    });
  }

  get visits(): ReadonlyMap<string, number> {
    return this.#draws.visits;
  }

  get struck(): Readonly<Partial<Record<FaultType, number>>> {
    return this.#injection?.struck ?? {};
  }

  service(name: string, main: ServiceMain, options: ServiceOptions = {}): SimulatedProcess {
    this.#checkNew("service", name);
    const { struck = true, restartMs, ...own } = options;
    if (restartMs !== undefined) checkNumber("context.service.restartMs", restartMs, 0);
    const process = this.#world.process(name, own);
    const start = (): void => {
      if (process.state !== "crashed") return;
      process.start(async (runtime) => {
        try {
          await main(runtime, this.#marks(name, this.#pauses(name, runtime, process, start)));
        } catch (error) {
          // What a life throws that has ended already concerns nobody.
          if (restartMs === undefined || process.state === "crashed" || process.runtime !== runtime) throw error;
          this.#world.fault("exit", name);
          process.kill();
          this.#world.clock.setTimer(restartMs, start);
        }
      });
    };
    this.#nodes.set(name, { process, start });
    if (struck) this.#struck.add(name);
    start();
    return process;
  }

  client<Value>(name: string, main: (runtime: Runtime, marks: Marks) => Value | Promise<Value>): Promise<Value> {
    this.#checkNew("client", name);
    const process = this.#world.process(name);
    this.#nodes.set(name, { process, start: () => undefined });
    return new Promise((resolve) => {
      process.start(async (runtime) => {
        resolve(await main(runtime, this.#marks(name, this.#pauses(name, runtime))));
      });
    });
  }

  selector(name: string, selector: Selector): void {
    this.#selectors[name] = selector;
  }

  injectFaults(): Injection {
    if (this.#injection !== undefined) throw new Error("context.injectFaults was called before in this run");
    const { faults, faultLengthMs: lengthMs } = this.#settings;
    const description = { seed: this.seed, lengthMs, faults };
    const names = [...this.#struck];
    const drawn = drawSchedule(seededRandom(this.seed).fork("schedule"), description, names);
    // Clients are nodes too, for cuts between them and the others, and are not struck themselves.
    const schedule = {
      ...drawn,
      faults: drawn.faults.map((fault) => (fault.targets === "all" ? { ...fault, targets: names } : fault)),
    };
    this.schedule = schedule;
    const kept = schedule.faults.filter((_, at) => this.#keep?.has(String(at)) !== false);
    const targets = { nodes: this.#nodes, selectors: this.#selectors };
    this.#injection = injectFaults(this.#world, targets, { ...schedule, faults: kept });
    return this.#injection;
  }

  always(name: string, holds: () => boolean): () => void {
    return this.#world.onStep(() => this.check(name, holds()));
  }

  readonly sometimes: Sometimes = (name, condition = true) => {
    if (condition) this.marks.set(name, true);
    else if (!this.marks.has(name)) this.marks.set(name, false);
  };

  check(name: string, holds: boolean, detail?: string): void {
    if (holds) return;
    this.#broken ??= new PropertyError(name, detail);
    throw this.#broken;
  }

  #checkNew(what: string, name: string): void {
    checkName(what, name);
    if (this.#nodes.has(name)) throw new InvalidArgumentError(`context.${what}`, "must have a name of its own", name);
  }

  #marks(host: string, point: Point): Marks {
    const rarely: Rarely = (name) => {
      checkName("rarely", name);
      const taken = this.#draws.drawRare(host, name, this.#world.clock.now());
      if (taken === undefined) return false;
      this.interruptions.push(taken);
      this.#world.fault("rare-path", host);
      return true;
    };
    return { point, rarely, sometimes: this.sometimes };
  }

  #pauses(host: string, runtime: Runtime, process?: SimulatedProcess, start?: () => void): Point {
    return (point) => {
      checkName("point", point);
      const { clock } = this.#world;
      const interruption = this.#draws.draw(host, point, clock.now());
      // A client stays up: whoever waits for its value would wait for ever.
      if (interruption === undefined || (interruption.type !== "pause" && process === undefined)) return undefined;
      this.interruptions.push(interruption);
      const { type, durationMs } = interruption;
      if (type === "pause") {
        this.#world.fault("point-pause", host);
        return runtime.clock.sleep(durationMs);
      }
      if (type === "power") process!.crash();
      else process!.kill();
      clock.setTimer(durationMs, start!);
      return new Promise(() => undefined);
    };
  }
}

/** Ids in lists are told apart by commas. */
function checkName(what: string, name: string): void {
  if (typeof name === "string" && /^[^,#/]+$/.test(name)) return;
  throw new InvalidArgumentError(`context.${what}`, "must be named by a text without commas, slashes and #", name);
}
