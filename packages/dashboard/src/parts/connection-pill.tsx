import type { JSX } from "preact";
import { shownConnection, type ConnectionState } from "../model/connection.ts";
import { usePage } from "../page-state.ts";
import type { Tone } from "./badge.tsx";
import { Badge } from "./badge.tsx";
import type { IconName } from "./icon.tsx";

const looks: { readonly [State in ConnectionState]: readonly [Tone, IconName] } = {
  connecting: ["idle", "idle"],
  live: ["good", "good"],
  stale: ["warn", "silent"],
  disconnected: ["bad", "bad"],
  recording: ["plain", "play"],
};

/** Whether what the page shows is the present. */
export function ConnectionPill(): JSX.Element {
  const page = usePage();
  const { state, label, detail } = shownConnection(page.connection.value, page.steadyMs.value);
  const [tone, icon] = looks[state];
  return (
    <span class="pill" data-state={state} title={detail}>
      <Badge tone={tone} icon={icon}>
        {label}
      </Badge>
    </span>
  );
}
