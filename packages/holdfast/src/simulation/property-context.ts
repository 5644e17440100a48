import { InvalidArgumentError } from "../errors/base.ts";
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

/** What code marks itself with, so that runs can be led through it and counted. Optional parameters in production. */
export interface Marks {
  readonly point: Point;
  readonly sometimes: Sometimes;
}

/** The code of a process: from its start until it ends, is killed or loses its power. */
export type ServiceMain = (runtime: Runtime, marks: Marks) => void | Promise<void>;

export interface ServiceOptions extends ProcessOptions {
  /** Whether `one`, `some` and `all` mean it too. Default true. */
  readonly struck?: boolean;
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
  /** @throws PropertyError unless `holds` */
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

  constructor(world: World, settings: PropertySettings, keep: ReadonlySet<string> | undefined) {
    this.#world = world;
    this.#settings = settings;
    this.#keep = keep;
    this.seed = world.seed;
    this.#draws = new InterruptionDraws(world.seed, settings.points, keep);
  }

  get visits(): ReadonlyMap<string, number> {
    return this.#draws.visits;
  }

  get struck(): Readonly<Partial<Record<FaultType, number>>> {
    return this.#injection?.struck ?? {};
  }

  service(name: string, main: ServiceMain, options: ServiceOptions = {}): SimulatedProcess {
    checkName("service", name);
    if (this.#nodes.has(name)) throw new InvalidArgumentError("context.service", "must have a name of its own", name);
    const { struck = true, ...own } = options;
    const process = this.#world.process(name, own);
    const start = (): void => {
      if (process.state !== "crashed") return;
      process.start((runtime) => main(runtime, this.#marksOf(process, runtime, start)));
    };
    this.#nodes.set(name, { process, start });
    if (struck) this.#struck.add(name);
    start();
    return process;
  }

  client<Value>(name: string, main: (runtime: Runtime, marks: Marks) => Value | Promise<Value>): Promise<Value> {
    checkName("client", name);
    const process = this.#world.process(name);
    this.#nodes.set(name, { process, start: () => undefined });
    return new Promise((resolve) => {
      process.start(async (runtime) => {
        resolve(await main(runtime, { point: this.#pauses(name, runtime), sometimes: this.sometimes }));
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
    if (!holds) throw new PropertyError(name, detail);
  }

  #marksOf(process: SimulatedProcess, runtime: Runtime, start: () => void): Marks {
    return { point: this.#pauses(process.host, runtime, process, start), sometimes: this.sometimes };
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
