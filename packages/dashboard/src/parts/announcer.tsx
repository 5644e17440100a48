import { effect, signal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { after } from "../browser/page-time.ts";
import { shownConnection } from "../model/connection.ts";
import { usePage, type PageState } from "../page-state.ts";

const spoken: Signal<string> = signal("");
const waiting: string[] = [];
const maxWaiting = 4;
const everyMs = 2_000;
let isResting = false;

/** Tells those who hear the page; what comes too fast is told together, and only the latest of it. */
export function announce(text: string): void {
  waiting.push(text);
  if (waiting.length > maxWaiting) waiting.shift();
  if (!isResting) speak();
}

function speak(): void {
  isResting = waiting.length > 0;
  if (!isResting) return;
  spoken.value = `${waiting.splice(0).join(". ")}.`;
  after(everyMs, speak);
}

export function Announcer(): JSX.Element {
  const page = usePage();
  useEffect(() => followChanges(page), [page]);
  return (
    <div class="unseen" role="status" aria-live="polite">
      {spoken.value}
    </div>
  );
}

/** What is worth interrupting for: who leads, whether there is a quorum, faults, and the connection. */
function followChanges(page: PageState): () => void {
  let leader: string | null | undefined;
  let hasQuorum: boolean | undefined;
  let faults: number | undefined;
  let state: string | undefined;
  const stops = [
    effect(() => {
      const cluster = page.cluster.value;
      if (cluster === null) return;
      const quorum = cluster.quorum.answering >= cluster.quorum.needed;
      if (leader !== undefined && leader !== cluster.leader) {
        announce(cluster.leader === null ? "No leader" : `${cluster.leader} leads in term ${cluster.term}`);
      }
      if (hasQuorum !== undefined && hasQuorum !== quorum)
        announce(quorum ? "The quorum is back" : "The quorum is lost");
      leader = cluster.leader;
      hasQuorum = quorum;
    }),
    effect(() => {
      const count = page.faults.value.length;
      if (faults !== undefined && faults !== count)
        announce(count === 0 ? "No fault is active" : `${count} faults are active`);
      faults = count;
    }),
    effect(() => {
      const shown = shownConnection(page.connection.value, page.steadyMs.value);
      if (state !== undefined && state !== shown.state) announce(shown.state === "live" ? "Live" : shown.state);
      state = shown.state;
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
