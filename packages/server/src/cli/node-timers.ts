import type { TimerPreset } from "../supervisor/cluster-plan.ts";
import { usageError } from "./exit.ts";

export interface NodeTimers {
  readonly heartbeatMs: number;
  readonly electionTimeoutMs: number;
}

/** A preset's timers, with those that were given in their place. @throws ExitError (usage) when they do not go together */
export async function nodeTimers(options: {
  readonly timers: TimerPreset;
  readonly heartbeatMs: number | undefined;
  readonly electionTimeoutMs: number | undefined;
}): Promise<NodeTimers> {
  const { raftPresets } = await import("holdfast/consensus");
  const preset = raftPresets[options.timers];
  const { heartbeatMs = preset.heartbeatMs, electionTimeoutMs = preset.electionTimeoutMs } = options;
  if (electionTimeoutMs < 2 * heartbeatMs) {
    throw usageError(
      `--election-timeout-ms must be at least twice --heartbeat-ms ${heartbeatMs} (got ${electionTimeoutMs})`,
    );
  }
  return { heartbeatMs, electionTimeoutMs };
}
