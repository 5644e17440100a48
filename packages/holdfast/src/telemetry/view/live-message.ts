import type { TelemetryEvent } from "../event.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { DrillView, FaultView, PlanView } from "./work-view.ts";
import type { AbsentInstance, RefusedReports, ServiceReport } from "./service-report.ts";

/**
 * What the stream of a cluster's dashboard carries, and a recording of it holds: the page shows both alike. Each message
 * replaces what the last one of its type said, except `events` and `history`.
 */
export type LiveMessage =
  | HelloMessage
  | { readonly type: "cluster"; readonly cluster: ClusterView }
  /** Of all instances that have reported lately. */
  | {
      readonly type: "services";
      readonly services: readonly ServiceReport[];
      /** Those that did so a minute ago, and no longer do; the latest first. */
      readonly absent?: readonly AbsentInstance[];
      /** Absent when none was. */
      readonly refused?: RefusedReports;
    }
  | { readonly type: "plans"; readonly plans: readonly PlanView[] }
  | { readonly type: "drills"; readonly drills: readonly DrillView[] }
  /** Those in effect, and the targets that can be struck. */
  | { readonly type: "faults"; readonly faults: readonly FaultView[]; readonly targets: readonly FaultTargetView[] }
  /** New ones of any member, oldest first; ids are unique and never repeat: `<node>:<run>-<seq>`. */
  | { readonly type: "events"; readonly events: readonly IdentifiedEvent[] }
  /** Events of a node that nobody has any more. */
  | { readonly type: "lost"; readonly nodeId: string; readonly count: number | null }
  | HistoryMessage;

/**
 * What was before, once at the beginning of a stream, in several messages where it is much. Each list has a value for each
 * of `times`; null: nobody knows.
 */
export interface HistoryMessage {
  readonly type: "history";
  /** Milliseconds since 1970, in order. */
  readonly times: readonly number[];
  /** Of the whole cluster; null in messages that tell of other things. */
  readonly cluster: {
    readonly commitsPerSecond: readonly (number | null)[];
    /** The greatest of any member. */
    readonly lagEntries: readonly (number | null)[];
    /** The most of any member. */
    readonly residentBytes: readonly (number | null)[];
  } | null;
  /** All instances together: calls add up, and quantiles are of the slowest, in milliseconds. */
  readonly policies: readonly PolicyHistoryView[];
}

export interface PolicyHistoryView {
  readonly service: string;
  readonly kind: string;
  readonly name: string;
  readonly callsPerSecond: readonly (number | null)[];
  readonly failedPerSecond: readonly (number | null)[];
  readonly p50: readonly (number | null)[];
  readonly p90: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
}

/** The first of a stream. */
export interface HelloMessage {
  readonly type: "hello";
  /** Of this format. */
  readonly version: 1;
  readonly servedBy: string;
  /** Of the software. */
  readonly release: string;
  /** What the page may offer: nothing that changes anything when read only. */
  readonly allows: {
    readonly faults: boolean;
    readonly plans: boolean;
    readonly keys: boolean;
  };
  /** A `cluster` message comes at least as often. */
  readonly everyMs: number;
}

export interface IdentifiedEvent {
  readonly id: string;
  readonly event: TelemetryEvent;
}

/** What can be struck, and how. */
export interface FaultTargetView {
  readonly name: string;
  /** What it stands for, for people: `member n2`, `peers of n1`. */
  readonly label: string;
  readonly kinds: readonly FaultKindView[];
  /** The members whose service a fault here may hurt. */
  readonly members: readonly string[];
}

export interface FaultKindView {
  readonly kind: string;
  readonly label: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly unit: string;
    readonly defaultValue: number;
    readonly min: number;
    readonly max: number;
  }[];
}

/** A stream that was kept: what a drill or a simulation writes, and the page opens. */
export interface LiveRecording {
  readonly format: "holdfast-recording";
  readonly version: 1;
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** What to type to run it again, where something repeats it. */
  readonly command?: string;
  /** Left out because there was too much: states between others, and the oldest events. Absent when nothing was. */
  readonly omitted?: { readonly states: number; readonly events: number };
  /** In order of time; the first is a `hello`. */
  readonly messages: readonly { readonly atMs: number; readonly message: LiveMessage }[];
}
