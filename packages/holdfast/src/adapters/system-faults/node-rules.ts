import { share, type FaultRules, type ParameterRule } from "./fault-rules.ts";
import type { ClockFaultKind } from "./faulted-time.ts";
import type { FileFaultKind } from "./file-faults.ts";

/** What can strike a Node process from within. */
export type NodeFaultKind = ClockFaultKind | FileFaultKind | "blockedLoop" | "openFiles" | "memory";

const day = 86_400_000;
const path: ParameterRule = { text: "an absolute path" };

export const nodeRules: FaultRules<NodeFaultKind> = {
  /** The wall clock jumps, and back at the end. */
  clockSkew: { byMs: { least: -366 * day, most: 366 * day } },
  /** Both clocks leap ahead, as after a machine was asleep: what waits comes due. */
  clockJump: { byMs: { least: 0, most: 366 * day } },
  /** Both clocks, and timers, run too fast or too slowly. */
  clockDrift: { ppm: { least: -999_999, most: 100_000_000 } },
  /** Both clocks stand still, no timer comes due; what arrives is worked on. */
  clockStop: {},
  /** The event loop is blocked for a share of every so many milliseconds. */
  blockedLoop: { share: { ...share, default: 0.5 }, everyMs: { least: 1, most: 10_000, default: 100 } },
  /** So many descriptors of its limit are left to it. */
  openFiles: { leave: { least: 0, most: 1_000_000, whole: true, default: 0 } },
  /** It holds so much more memory, outside its heap. */
  memory: { bytes: { least: 1, most: 2 ** 40, whole: true } },
  /** After so many bytes, writing fails with ENOSPC. */
  fullDisk: { path, freeBytes: { least: 0, most: 2 ** 50, whole: true, default: 0 } },
  /** Operations take longer. */
  slowDisk: {
    path,
    extraMs: { least: 0, most: 60_000 },
    share,
    of: { words: ["sync", "write", "read", "all"], default: "sync" },
  },
  /** Syncing fails with EIO. */
  failingSync: { path, share },
  /** Reading or writing fails with EIO. */
  failingDisk: { path, share, of: { words: ["write", "read", "sync", "all"], default: "all" } },
};

export const nodeFaultKinds = Object.keys(nodeRules) as readonly NodeFaultKind[];
