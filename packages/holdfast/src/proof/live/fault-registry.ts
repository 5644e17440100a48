import { checkInteger, checkNumber, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import type { Clock } from "../../runtime/system.ts";
import type { Telemetry } from "../../telemetry/index.ts";
import type { FaultJournal, JournalEntry } from "./fault-journal.ts";
import type { FaultParameters, LiveFault, LiveFaultRequest, LiveTarget, RemovalReason } from "./live-fault.ts";
import { LiveFaultError } from "./live-fault-error.ts";
import { RunningFault } from "./running-fault.ts";
import { StruckTarget } from "./struck-target.ts";

export interface FaultRegistryOptions {
  /** Ends what has lasted long enough. */
  readonly clock: Pick<Clock, "now" | "wallTime" | "setTimer">;
  /** Default: none; `addTarget` adds them. */
  readonly targets?: readonly LiveTarget[];
  /**
   * Where faults are written down before they begin. With one, what an injector that crashed has left is taken back first.
   * Default: nowhere, for faults that end with the process.
   */
  readonly journal?: FaultJournal;
  /** Is told `faultInjected` and `faultRemoved`. */
  readonly telemetry?: Pick<Telemetry, "publish">;
  /** The longest a fault may be asked to last. Default 600 000. */
  readonly maxDurationMs?: number;
  /** At once; one more is refused. Default 1 000. */
  readonly maxFaults?: number;
  /** How soon a removal that failed is tried again; doubles up to 30 s. Default 500. */
  readonly retryMs?: number;
}

export const defaultFaultRegistryOptions: { readonly [K in "maxDurationMs" | "maxFaults" | "retryMs"]: number } = {
  maxDurationMs: 600_000,
  maxFaults: 1_000,
  retryMs: 500,
};

/** What healing came to: faults that are gone, and those that resist, which are tried again. */
export interface HealReport {
  readonly removed: readonly LiveFault[];
  readonly stuck: readonly LiveFault[];
}

/** Since the registry was made. */
export interface FaultCounts {
  /** By kind. */
  readonly injected: Readonly<Record<string, number>>;
  readonly removed: Readonly<Partial<Record<RemovalReason, number>>>;
  readonly refused: number;
  /** Of those that go on, how many cannot be taken back. */
  readonly stuck: number;
}

/** Live faults: each has an end, and all of them have one place where they end at once. */
export interface FaultRegistry extends AsyncDisposable {
  readonly targets: readonly { readonly name: string; readonly kinds: readonly string[] }[];
  /** All that go on, oldest first. */
  readonly faults: readonly LiveFault[];
  readonly counts: FaultCounts;
  /** What a crash had left and is gone now. Rejects when the journal cannot be read, and then nothing is injected. */
  readonly recovered: Promise<HealReport>;
  /**
   * Opts a target in, until what is returned is called, which takes back what strikes it.
   *
   * @throws InvalidArgumentError on a name that is taken
   */
  addTarget(target: LiveTarget): () => Promise<void>;
  /**
   * Gives the parameters with their defaults, and injects nothing. Whether the target agrees now is not asked.
   *
   * @throws InvalidArgumentError; LiveFaultError where there is no such target or kind
   */
  check(request: LiveFaultRequest): FaultParameters;
  /**
   * Begins a fault; it ends after `durationMs`, or with `remove`, `healAll` or `close`.
   *
   * @throws InvalidArgumentError; LiveFaultError when nobody opted in, there are too many, or it cannot begin
   */
  inject(request: LiveFaultRequest): Promise<LiveFault>;
  /** @throws LiveFaultError `UNKNOWN_FAULT`; `FAULT_STUCK` when it cannot be taken back, which goes on being tried */
  remove(id: string): Promise<LiveFault>;
  /** Takes everything back, also what is just beginning. Never rejects. */
  healAll(): Promise<HealReport>;
  /** Resolves once a fault is gone, with its last state. @throws LiveFaultError `UNKNOWN_FAULT` */
  whenRemoved(id: string): Promise<LiveFault>;
  /** Takes everything back and refuses what comes after. Idempotent. */
  close(): Promise<HealReport>;
}

/**
 * Injects faults into running systems that agreed, and takes every one of them back.
 *
 * @throws InvalidArgumentError on an option that breaks its rule
 * @example
 * const proxy = await faultProxy({ name: "redis", upstream: { host: "127.0.0.1", port: 6379 } });
 * const faults = faultRegistry({ clock: nodeRuntime().clock, targets: [proxy] });
 * await faults.inject({ target: "redis", kind: "delay", parameters: { delayMs: 100 }, durationMs: 5_000 });
 * await faults.healAll();
 */
export function faultRegistry(options: FaultRegistryOptions): FaultRegistry {
  const own = ["clock", "targets", "journal", "telemetry"];
  checkOptionNames("faultRegistry", options, [...own, ...Object.keys(defaultFaultRegistryOptions)]);
  return new Registry(options);
}

const idPattern = /^[\w.-]{1,64}$/;

class Registry implements FaultRegistry {
  readonly recovered: Promise<HealReport>;
  readonly #options: FaultRegistryOptions;
  readonly #maxDurationMs: number;
  readonly #maxFaults: number;
  readonly #retryMs: number;
  readonly #targets = new Map<string, StruckTarget>();
  readonly #faults = new Map<string, RunningFault>();
  readonly #injected: Record<string, number> = {};
  readonly #removed: Partial<Record<RemovalReason, number>> = {};
  #refused = 0;
  #named = 0;
  #closing: Promise<HealReport> | undefined;

  constructor(options: FaultRegistryOptions) {
    const given = { ...defaultFaultRegistryOptions, ...options };
    this.#options = options;
    this.#maxDurationMs = checkNumber("faultRegistry.maxDurationMs", given.maxDurationMs, 1);
    this.#maxFaults = checkInteger("faultRegistry.maxFaults", given.maxFaults, 1);
    this.#retryMs = checkNumber("faultRegistry.retryMs", given.retryMs, 1);
    for (const target of options.targets ?? []) this.#add(target);
    this.recovered = this.#recover();
    // Who injects hears of it; nobody has to look.
    this.recovered.catch(() => undefined);
  }

  get targets(): FaultRegistry["targets"] {
    return [...this.#targets.values()].map(({ target: { name, kinds } }) => ({ name, kinds }));
  }

  get faults(): readonly LiveFault[] {
    return [...this.#faults.values()].map((fault) => fault.snapshot());
  }

  get counts(): FaultCounts {
    const stuck = [...this.#faults.values()].filter((fault) => fault.state === "stuck").length;
    return { injected: { ...this.#injected }, removed: { ...this.#removed }, refused: this.#refused, stuck };
  }

  addTarget(target: LiveTarget): () => Promise<void> {
    this.#add(target);
    void this.#recoverFor(target.name);
    return async () => {
      if (this.#targets.get(target.name)?.target !== target) return;
      this.#targets.delete(target.name);
      await this.#end(
        [...this.#faults.values()].filter((fault) => fault.order.target === target.name),
        "closed",
      );
    };
  }

  async inject(request: LiveFaultRequest): Promise<LiveFault> {
    try {
      await this.recovered;
      return await this.#inject(request);
    } catch (error) {
      this.#refused++;
      throw error;
    }
  }

  check(request: LiveFaultRequest): FaultParameters {
    return this.#read(request).parameters;
  }

  #read(request: LiveFaultRequest): { readonly target: StruckTarget; readonly parameters: FaultParameters } {
    checkOptionNames("fault", request, ["id", "target", "kind", "parameters", "durationMs"]);
    const { target: name, kind, durationMs } = request;
    const target = this.#targets.get(name);
    if (target === undefined) throw new LiveFaultError("UNKNOWN_TARGET", `${quoted(name)} is no target of faults`);
    if (!target.target.kinds.includes(kind)) throw notOptedIn(request);
    checkNumber("fault.durationMs", durationMs, 1, this.#maxDurationMs);
    return { target, parameters: target.target.check(kind, checkParameters(request.parameters ?? {})) };
  }

  async #inject(request: LiveFaultRequest): Promise<LiveFault> {
    const { target, parameters } = this.#read(request);
    const { target: name, kind, durationMs } = request;
    if (!(await target.target.optedIn(kind))) throw notOptedIn(request);
    // From here on nothing waits until the fault has its place: healing and closing see it.
    if (this.#closing !== undefined) throw new LiveFaultError("REGISTRY_CLOSED", "the registry of faults is closed");
    if (this.#faults.size >= this.#maxFaults) {
      throw new LiveFaultError("TOO_MANY_FAULTS", `${this.#faults.size} faults go on already`);
    }
    const id = this.#nameFault(request.id, kind);
    const startedAt = this.#options.clock.wallTime();
    const fault = this.#put(target, { id, target: name, kind, parameters, durationMs, startedAt, undo: null });
    await fault.begin();
    return fault.snapshot();
  }

  async remove(id: string): Promise<LiveFault> {
    const fault = this.#find(id);
    await fault.end("removed");
    const last = fault.snapshot();
    if (last.state !== "removed") {
      throw new LiveFaultError("FAULT_STUCK", `${id} cannot be taken back yet: ${last.error}`);
    }
    return last;
  }

  async healAll(): Promise<HealReport> {
    return this.#end([...this.#faults.values()], "healed");
  }

  async whenRemoved(id: string): Promise<LiveFault> {
    return this.#find(id).gone;
  }

  close(): Promise<HealReport> {
    return (this.#closing ??= this.#shutDown());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #shutDown(): Promise<HealReport> {
    await this.recovered.catch(() => undefined);
    const report = await this.#end([...this.#faults.values()], "closed");
    // What resists stays in the journal, for the next start.
    for (const fault of this.#faults.values()) fault.giveUp();
    await this.#options.journal?.close();
    return report;
  }

  #add(target: LiveTarget): void {
    if (typeof target.name !== "string" || !idPattern.test(target.name)) {
      throw new InvalidArgumentError("target.name", "must be 1 to 64 letters, digits, _, . and -", target.name);
    }
    if (this.#targets.has(target.name)) throw new InvalidArgumentError("target.name", "must be unique", target.name);
    this.#targets.set(target.name, new StruckTarget(target, this.#options.journal));
  }

  async #recover(): Promise<HealReport> {
    const journal = this.#options.journal;
    if (journal === undefined) return { removed: [], stuck: [] };
    const left: RunningFault[] = [];
    for (const entry of await journal.open()) {
      const target = this.#targets.get(entry.target);
      // Whose target is not there yet waits for it in the journal.
      if (target !== undefined) left.push(this.#put(target, entry, true));
    }
    return this.#end(left, "recovered");
  }

  async #recoverFor(name: string): Promise<void> {
    await this.recovered.catch(() => undefined);
    const target = this.#targets.get(name);
    const entries = (await this.#options.journal?.open().catch(() => [])) ?? [];
    if (target === undefined) return;
    const left = entries.filter((entry) => entry.target === name && !this.#faults.has(entry.id));
    await this.#end(
      left.map((entry) => this.#put(target, entry, true)),
      "recovered",
    );
  }

  #put(target: StruckTarget, order: JournalEntry, isLeft: boolean = false): RunningFault {
    const fault = new RunningFault({
      order,
      target,
      clock: this.#options.clock,
      retryMs: this.#retryMs,
      isLeft,
      onBegun: (entry) => this.#begun(entry),
      onGone: (last, hadBegun) => this.#gone(last, hadBegun),
    });
    this.#faults.set(order.id, fault);
    return fault;
  }

  #begun({ id, target, kind, parameters, durationMs }: JournalEntry): void {
    this.#injected[kind] = (this.#injected[kind] ?? 0) + 1;
    this.#options.telemetry?.publish({ type: "faultInjected", fault: id, target, kind, parameters, durationMs });
  }

  #gone({ id, target, kind, reason, startedAt, struck }: LiveFault, hadBegun: boolean): void {
    this.#faults.delete(id);
    if (!hadBegun || reason === null) return;
    this.#removed[reason] = (this.#removed[reason] ?? 0) + 1;
    const lastedMs = Math.max(0, this.#options.clock.wallTime() - startedAt);
    this.#options.telemetry?.publish({ type: "faultRemoved", fault: id, target, kind, reason, lastedMs, struck });
  }

  async #end(faults: readonly RunningFault[], reason: RemovalReason): Promise<HealReport> {
    await Promise.all(faults.map((fault) => fault.end(reason)));
    const last = faults.map((fault) => fault.snapshot());
    return {
      removed: last.filter((fault) => fault.state === "removed"),
      stuck: last.filter((fault) => fault.state !== "removed"),
    };
  }

  #find(id: string): RunningFault {
    const fault = this.#faults.get(id);
    if (fault === undefined) throw new LiveFaultError("UNKNOWN_FAULT", `no fault ${quoted(id)} goes on`);
    return fault;
  }

  #nameFault(given: string | undefined, kind: string): string {
    if (given === undefined) {
      let id: string;
      do id = `${kind}-${++this.#named}`;
      while (this.#faults.has(id));
      return id;
    }
    if (typeof given !== "string" || !idPattern.test(given)) {
      throw new InvalidArgumentError("fault.id", "must be 1 to 64 letters, digits, _, . and -", given);
    }
    if (this.#faults.has(given)) throw new LiveFaultError("FAULT_EXISTS", `a fault ${quoted(given)} goes on already`);
    return given;
  }
}

const maxParameters = 32;

function checkParameters(parameters: unknown): FaultParameters {
  if (typeof parameters !== "object" || parameters === null || Array.isArray(parameters)) {
    throw new InvalidArgumentError("fault.parameters", "must be an object", parameters);
  }
  const entries = Object.entries(parameters) as [string, unknown][];
  if (entries.length > maxParameters) {
    throw new InvalidArgumentError("fault.parameters", `must be at most ${maxParameters}`, entries.length);
  }
  for (const [name, value] of entries) {
    if (typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) continue;
    throw new InvalidArgumentError(`parameters.${name}`, "must be a number, a text, true or false", value);
  }
  return parameters as FaultParameters;
}

function notOptedIn({ target, kind }: LiveFaultRequest): LiveFaultError {
  return new LiveFaultError("NOT_OPTED_IN", `${quoted(target)} has not agreed to faults of kind ${quoted(kind)}`);
}

function quoted(text: unknown): string {
  return JSON.stringify(typeof text === "string" ? text.slice(0, 80) : String(text));
}
