/** How a fault behaves, by name: `{ delayMs: 100, direction: "down" }`. What a kind knows is said by its target. */
export type FaultParameters = Readonly<Record<string, number | string | boolean>>;

/** What somebody asks for. */
export interface LiveFaultRequest {
  /** 1 to 64 letters, digits, `_`, `.` and `-`. Default: the kind and a number. */
  readonly id?: string;
  /** A name that the registry knows. */
  readonly target: string;
  readonly kind: string;
  /** Default: none given; the kind's own defaults fill them in. */
  readonly parameters?: FaultParameters;
  /** After this time it ends by itself. At most the registry's `maxDurationMs`. */
  readonly durationMs: number;
}

/**
 * `starting`: not all of it may be there yet. `removing`: not all of it may be gone yet. `stuck`: taking it back has failed,
 * and is tried again and again. `removed`: nothing of it is left.
 */
export type LiveFaultState = "starting" | "active" | "removing" | "stuck" | "removed";

/** Why it ended: its time was over, it was taken back by id, with all others, with its target or registry, or after a crash. */
export type RemovalReason = "expired" | "removed" | "healed" | "closed" | "failed" | "recovered";

/** One fault in a running system, as it stands. */
export interface LiveFault {
  readonly id: string;
  readonly target: string;
  readonly kind: string;
  /** With the defaults filled in. */
  readonly parameters: FaultParameters;
  readonly durationMs: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly state: LiveFaultState;
  /** How often it has had an effect; null where the target cannot tell. */
  readonly struck: number | null;
  /** Null until it ends. */
  readonly reason: RemovalReason | null;
  /** Why taking it back failed last; null unless it did. */
  readonly error: string | null;
}

/** A fault as its target gets it. */
export interface FaultOrder {
  readonly id: string;
  readonly kind: string;
  readonly parameters: FaultParameters;
  readonly durationMs: number;
}

/** Something that faults can strike, because whoever runs it agreed. */
export interface LiveTarget {
  readonly name: string;
  /** What can strike it. */
  readonly kinds: readonly string[];
  /** Whether it agrees to such a fault: asked each time, right before. */
  optedIn(kind: string): boolean | Promise<boolean>;
  /** Checks what came from outside and fills in the defaults. @throws InvalidArgumentError */
  check(kind: string, parameters: FaultParameters): FaultParameters;
  /**
   * Faults of one target with the same key share one effect: it begins with the first of them and ends with the last.
   * Default: each has its own.
   */
  holdKey?(kind: string, parameters: FaultParameters): string | undefined;
  /** Finds out what `remove` has to know, as JSON, and changes nothing: the journal has it before anything happens. */
  prepare?(fault: FaultOrder): unknown;
  /** Begins. What it throws counts as half begun: `remove` follows. */
  inject(fault: FaultOrder, undo: unknown): void | Promise<void>;
  /**
   * Takes it back, also when it has begun in part, not at all, or was taken back before; after a crash of the injector
   * another process calls it, with what the journal has.
   */
  remove(fault: FaultOrder, undo: unknown): void | Promise<void>;
  /** How often a fault has had an effect, where that is known; asked right before it is taken back, and right after. */
  struck?(id: string): number | undefined;
}
