import type { JSX } from "preact";
import { shownConnection } from "../model/connection.ts";
import { usePage } from "../page-state.ts";
import { Icon } from "./icon.tsx";
import { clockText, countText } from "./number-text.ts";

/**
 * Says when what is shown is not the present, and what the server said that cannot be shown. It lies over the end of the
 * page, so that nothing moves when it comes and goes.
 */
export function Notices({ onReconnect }: { readonly onReconnect: () => void }): JSX.Element {
  const page = usePage();
  const { connection, steadyMs, cluster, problem, paused, missed } = page;
  const { state, detail, label } = shownConnection(connection.value, steadyMs.value);
  return (
    <aside class="notices" aria-label="Notices">
      {(state === "stale" || state === "disconnected") && (
        <div class="banner">
          <Icon name="warn" />
          <span>
            {label}. {detail}. {cluster.value !== null && "What you see is the last that was known."}
          </span>
          <button type="button" onClick={onReconnect}>
            Retry now
          </button>
        </div>
      )}
      {paused.value?.by === "hand" && (
        <div class="banner calm">
          <Icon name="pause" />
          <span>
            Paused at {clockText(paused.value.atMs)}; {countText(missed.value)} new{" "}
            {missed.value === 1 ? "event" : "events"} since. Faults, plans and drills go on.
          </span>
        </div>
      )}
      {problem.value !== null && (
        <div class="banner">
          <Icon name="warn" />
          <span>{problem.value}. It is left out here; if the page is older than the server, load it again.</span>
          <button type="button" onClick={() => (problem.value = null)}>
            Dismiss
          </button>
        </div>
      )}
    </aside>
  );
}
