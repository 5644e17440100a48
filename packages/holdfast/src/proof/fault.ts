/** A node stops without a word, and starts again: by a power cut, which its disk feels, or by a kill. */
export interface Crash {
  readonly type: "crash";
  /** Default `power`. */
  readonly how?: "power" | "kill";
}

/** A node stops at once and the others are told, as a supervisor would; it comes back, and they are told. */
export interface FailStop {
  readonly type: "failStop";
}

/** A node gets little of its processor: in every `everyMs` it stands still for a share of the time. */
export interface Slow {
  readonly type: "slow";
  /** Default 1: it stands still all the time. */
  readonly share?: number;
  /** Default 100. */
  readonly everyMs?: number;
}

/** A node lies, or behaves as if it did: what it sends is wrong, is not sent, comes late, or comes twice. */
export interface Byzantine {
  readonly type: "byzantine";
  readonly behaviour: "wrong" | "silent" | "delayed" | "duplicate";
  /** Of its messages. Default 1. */
  readonly share?: number;
  /** By how much `delayed` messages are late, and how long after the first `duplicate` ones follow. Default 0. */
  readonly delayMs?: number;
}

/** The targets are cut off from all others. */
export interface Partition {
  readonly type: "partition";
  /**
   * `split`: nothing passes between the two sides. `oneWay`: nothing passes from the targets to the others. `bridge`: the
   * first target hears both sides, the other targets and the rest, which do not hear each other. Default `split`.
   */
  readonly shape?: "split" | "oneWay" | "bridge";
}

/** What the targets send and get takes longer. */
export interface Delay {
  readonly type: "delay";
  readonly delayMs: number;
  /** The mean of what comes on top of that. Default 0. */
  readonly jitterMs?: number;
}

/** What the targets send and get is lost; streams send it again, which takes its time. */
export interface Loss {
  readonly type: "loss";
  readonly share: number;
}

/** What the targets send and get arrives twice. */
export interface Duplication {
  readonly type: "duplication";
  readonly share: number;
  /** How much later the second one comes, at the most, where messages travel over streams. Default 10. */
  readonly withinMs?: number;
}

/** What the targets send and get is overtaken by what is sent after it. */
export interface Reordering {
  readonly type: "reordering";
  readonly share: number;
  /** How long it is held back, at the most, where messages travel over streams. Default 10. */
  readonly withinMs?: number;
}

/** Nothing passes between the targets and the others for the time, and then all of it does. */
export interface Clog {
  readonly type: "clog";
}

/** The targets' connections are reset. */
export interface Reset {
  readonly type: "reset";
}

/** Bits on the targets' disks turn, for good. */
export interface CorruptDisk {
  readonly type: "corruptDisk";
  /** Bits that turn at once, anywhere in what is stored. Default 0 with a share, else 1. */
  readonly bits?: number;
  /** How often a read finds a bit turned. Default 0. */
  readonly share?: number;
}

export interface FullDisk {
  readonly type: "fullDisk";
  /** What is left. Default 0. */
  readonly freeBytes?: number;
}

/** Syncs take longer. */
export interface SlowDisk {
  readonly type: "slowDisk";
  readonly extraMs: number;
  /** Of the syncs. Default 1. */
  readonly share?: number;
}

/** Syncs fail, and nobody knows what is on the medium. */
export interface FailingSync {
  readonly type: "failingSync";
  /** Of the syncs. Default 1. */
  readonly share?: number;
}

/** The targets' wall clocks jump, and jump back at the end. */
export interface ClockSkew {
  readonly type: "clockSkew";
  /** Negative: into the past. */
  readonly byMs: number;
}

/** The targets' clocks run too fast or, below zero, too slow. */
export interface ClockDrift {
  readonly type: "clockDrift";
  /** Millionths, between -1 000 000 and 1 000 000. */
  readonly ppm: number;
}

/** The targets' clocks stand still, and no timer of theirs comes due. */
export interface ClockStop {
  readonly type: "clockStop";
}

/** What can go wrong, and how badly. */
export type FaultKind =
  | Crash
  | FailStop
  | Slow
  | Byzantine
  | Partition
  | Delay
  | Loss
  | Duplication
  | Reordering
  | Clog
  | Reset
  | CorruptDisk
  | FullDisk
  | SlowDisk
  | FailingSync
  | ClockSkew
  | ClockDrift
  | ClockStop;

export type FaultType = FaultKind["type"];

/**
 * Whom a fault strikes: names; `all`; or a selector of the tested system, such as `leader`, which is resolved when the
 * moment has come.
 */
export type Targets = string | readonly string[];

interface Struck {
  /** For reports. */
  readonly id?: string;
  readonly targets: Targets;
  /** How long a selector may take to find its target, from `atMs` on. Default 0: at once or not at all. */
  readonly waitMs?: number;
  readonly durationMs: number;
  /**
   * What its targets need to be as before: a node that was down starts only then, and until then no other fault strikes
   * them. Default 0.
   */
  readonly recoveryMs?: number;
}

/** One fault, at its moment and of its length. */
export type Fault = FaultKind & Struck & { readonly atMs: number };

/** Numbers may be drawn: `[least, most]`, short and small ones as often as long and large ones where `least` is above 0. */
type Drawn<Kind> = Kind extends unknown
  ? {
      readonly [Name in keyof Kind]: Kind[Name] extends number | undefined
        ? Kind[Name] | readonly [number, number]
        : Kind[Name];
    }
  : never;

/**
 * A fault that may happen: at `atMs`, or in every `perMs` with a `probability`. Its targets may also be `one`, drawn
 * each time, or `some`, each with even chances.
 */
export type FaultModel = Drawn<FaultKind & Struck> &
  (
    | { readonly atMs: number | readonly [number, number]; readonly probability?: never; readonly perMs?: never }
    | { readonly probability: number; readonly perMs: number; readonly atMs?: never }
  );
