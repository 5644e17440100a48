import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { LiveRecording } from "holdfast/telemetry";
import { every, steadyNow } from "../browser/page-time.ts";
import { CopyButton } from "../parts/copy-button.tsx";
import { Icon } from "../parts/icon.tsx";
import { dayText, durationText } from "../parts/number-text.ts";
import { usePage } from "../page-state.ts";
import type { Player } from "./player.ts";

const speeds = [0.25, 1, 4, 16, 64] as const;
const stepMs = 100;

/** The controls of a recording: play, pause, speed, and any moment of it. */
export function PlayerBar({
  recording,
  player,
  warnings,
}: {
  readonly recording: LiveRecording;
  readonly player: Player;
  readonly warnings: readonly string[];
}): JSX.Element {
  const page = usePage();
  const position = useSignal(player.positionMs);
  const isPlaying = useSignal(false);
  const speed = useSignal<number>(1);

  function seek(toMs: number): void {
    player.seek(toMs);
    position.value = player.positionMs;
    page.setNow(recording.startedAt + player.positionMs);
    page.refresh();
  }

  useEffect(() => {
    if (!isPlaying.value) return undefined;
    let last = steadyNow();
    return every(stepMs, () => {
      const now = steadyNow();
      seek(player.positionMs + (now - last) * speed.peek());
      last = now;
      if (player.positionMs >= player.durationMs) isPlaying.value = false;
    });
  }, [isPlaying.value]);

  return (
    <section class="player" aria-label="Recording">
      <p>
        <b>{recording.title}</b> <span class="muted">{dayText(recording.startedAt)}</span>
        {recording.command !== undefined && (
          <>
            {" "}
            <code>{recording.command}</code> <CopyButton text={recording.command} what="the command" />
          </>
        )}
      </p>
      <div class="tools">
        <button
          type="button"
          class="primary"
          onClick={() => {
            if (!isPlaying.value && player.positionMs >= player.durationMs) seek(0);
            isPlaying.value = !isPlaying.value;
          }}
        >
          <Icon name={isPlaying.value ? "pause" : "play"} /> {isPlaying.value ? "Pause" : "Play"}
        </button>
        <input
          type="range"
          aria-label="Moment"
          aria-valuetext={`${durationText(position.value)} of ${durationText(player.durationMs)}`}
          min={0}
          max={player.durationMs}
          step={Math.max(1, Math.round(player.durationMs / 1_000))}
          value={position.value}
          onInput={(event) => {
            page.goOn();
            seek(event.currentTarget.valueAsNumber);
          }}
        />
        <span class="player-time">
          {durationText(position.value)} of {durationText(player.durationMs)}
        </span>
        <label>
          Speed{" "}
          <select value={speed.value} onChange={(event) => (speed.value = Number(event.currentTarget.value))}>
            {speeds.map((each) => (
              <option key={each} value={each}>
                {each}×
              </option>
            ))}
          </select>
        </label>
      </div>
      {warnings.map((warning) => (
        <p key={warning} class="note warn">
          <Icon name="warn" /> {warning}
        </p>
      ))}
    </section>
  );
}
