import type { JSX } from "preact";
import { usePage, type PageState } from "../page-state.ts";
import { announce } from "./announcer.tsx";
import { Icon } from "./icon.tsx";

export function togglePause(page: PageState): void {
  if (page.paused.peek() === null) page.pause("hand");
  else page.goOn();
  announce(page.paused.peek() === null ? "It goes on" : "Paused");
}

/** Makes what is shown stand still, to read it; what comes meanwhile is collected. */
export function PauseButton(): JSX.Element {
  const page = usePage();
  const isPaused = page.paused.value !== null;
  return (
    <button
      type="button"
      class={isPaused ? "pause primary" : "pause"}
      aria-keyshortcuts="p"
      onClick={() => togglePause(page)}
    >
      <Icon name={isPaused ? "play" : "pause"} /> {isPaused ? (page.requests === null ? "Go on" : "Go live") : "Pause"}
    </button>
  );
}
