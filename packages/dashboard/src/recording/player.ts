import type { LiveRecording } from "holdfast/telemetry";
import type { LiveModel } from "../model/live-model.ts";

/** Shows a recording as it stood at any moment. */
export interface Player {
  readonly durationMs: number;
  readonly positionMs: number;
  /** Going back plays everything up to there again. */
  seek(positionMs: number): void;
}

export function createPlayer(recording: LiveRecording, model: LiveModel): Player {
  const { messages, startedAt, durationMs } = recording;
  let next = 0;
  let position = 0;

  return {
    durationMs,
    get positionMs() {
      return position;
    },
    seek(positionMs) {
      const to = Math.min(durationMs, Math.max(0, positionMs));
      if (to < position) {
        model.reset();
        next = 0;
      }
      position = to;
      for (let each = messages[next]; each !== undefined && each.atMs <= to; each = messages[++next]) {
        model.apply(each.message, startedAt + each.atMs);
      }
    },
  };
}
