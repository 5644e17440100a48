import { render } from "preact";
import { App } from "./app.tsx";
import { keepFocus } from "./browser/focus-keeper.ts";
import { steadyNow } from "./browser/page-time.ts";
import { followAddress, goTo } from "./browser/route.ts";
import { applyTheme } from "./browser/theme.ts";
import { LiveModel } from "./model/live-model.ts";
import { fullestView } from "./model/fullest-view.ts";
import { pageState } from "./page-state.ts";
import { createPlayer } from "./recording/player.ts";
import { PlayerBar } from "./recording/player-bar.tsx";
import { readRecording } from "./recording/read-recording.ts";
import { RecordingPrompt } from "./recording/recording-prompt.tsx";
import "./style/page.css";

followAddress();
applyTheme();
keepFocus();
const place = document.querySelector("#page") ?? document.body;
place.replaceChildren();
open(document.querySelector("#recording")?.textContent ?? "");

/** Shows a recording from its end, or says why it cannot. */
function open(text: string): void {
  const read = readRecording(text);
  if (read.recording === undefined) {
    render(<RecordingPrompt problem={read.problem} onText={open} />, place);
    return;
  }
  const { recording, warnings } = read;
  const model = new LiveModel();
  const page = pageState(model, null, { phase: "recorded" }, recording.command);
  const player = createPlayer(recording, model);
  player.seek(recording.durationMs);
  page.setNow(recording.startedAt + recording.durationMs);
  page.steadyMs.value = steadyNow();
  page.refresh();
  // A run without a cluster opens on what it has; a link that names a view is followed.
  if (location.hash === "") goTo(fullestView(model));
  document.title = `${recording.title} – Holdfast`;
  render(
    <App page={page} onReconnect={() => undefined}>
      <PlayerBar recording={recording} player={player} warnings={warnings} />
    </App>,
    place,
  );
}
