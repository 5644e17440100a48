import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { goTo, route, viewNames, type ViewName } from "./browser/route.ts";
import { listenForShortcuts, type Shortcut } from "./browser/shortcuts.ts";
import { nextTheme } from "./browser/theme.ts";
import { shownConnection } from "./model/connection.ts";
import { Announcer } from "./parts/announcer.tsx";
import { ConfirmDialog } from "./parts/confirm-dialog.tsx";
import { ErrorBoundary } from "./parts/error-boundary.tsx";
import { HelpDialog, helpIsOpen } from "./parts/help-dialog.tsx";
import { Notices } from "./parts/notices.tsx";
import { PageHeader, viewTitles } from "./parts/page-header.tsx";
import { togglePause } from "./parts/pause-button.tsx";
import { TokenPrompt } from "./parts/token-prompt.tsx";
import { PageContext, type PageState } from "./page-state.ts";
import { ClusterPage } from "./views/cluster-view.tsx";
import { EventsPage } from "./views/events-view.tsx";
import { FaultsPage } from "./views/faults-view.tsx";
import { KeysPage } from "./views/keys-view.tsx";
import { ServicesPage } from "./views/services-view.tsx";
import { WorkPage } from "./views/work-view.tsx";

const pages: { readonly [View in ViewName]: () => JSX.Element } = {
  cluster: ClusterPage,
  services: ServicesPage,
  events: EventsPage,
  keys: KeysPage,
  work: WorkPage,
  faults: FaultsPage,
};

const shortcutsOf = (page: PageState): readonly Shortcut[] => [
  ...viewNames.map((view, at) => ({ key: String(at + 1), does: viewTitles[view], run: () => goTo(view) })),
  { key: "/", does: "Search in this view", run: () => document.querySelector<HTMLElement>(".find")?.focus() },
  { key: "p", does: "Pause what is shown, or go live", run: () => togglePause(page) },
  { key: "t", does: "Another theme", run: nextTheme },
  { key: "?", does: "This list", run: () => (helpIsOpen.value = true) },
];

/** The whole page. `onReconnect` tries at once what otherwise waits. */
export function App({
  page,
  onReconnect,
  children,
}: {
  readonly page: PageState;
  readonly onReconnect: () => void;
  /** Above the view: the controls of a recording. */
  readonly children?: ComponentChildren;
}): JSX.Element {
  const shortcuts = useMemo(() => shortcutsOf(page), [page]);
  useEffect(() => listenForShortcuts(shortcuts), [shortcuts]);
  const { view } = route.value;
  const View = pages[view];
  useEffect(() => {
    document.title = `${viewTitles[view]} – Holdfast`;
  }, [view]);

  return (
    <PageContext.Provider value={page}>
      <a class="skip" href="#content" onClick={skip}>
        Skip to the content
      </a>
      {page.connection.value.phase === "refused" ? (
        <TokenPrompt onToken={onReconnect} />
      ) : (
        <>
          <PageHeader />
          {children}
          <main id="content" tabIndex={-1} class={isPast(page) ? "past" : ""}>
            <h1 class="unseen">{viewTitles[view]}</h1>
            <ErrorBoundary place={view}>
              <View />
            </ErrorBoundary>
          </main>
          <Notices onReconnect={onReconnect} />
        </>
      )}
      <Announcer />
      <ConfirmDialog />
      <HelpDialog shortcuts={shortcuts} />
    </PageContext.Provider>
  );
}

/** The address belongs to the views: the way to the content must not change it. */
function skip(event: MouseEvent): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#content")?.focus();
}

function isPast(page: PageState): boolean {
  const { state } = shownConnection(page.connection.value, page.steadyMs.value);
  // What was known before is not the present until the server says so again.
  return state === "stale" || state === "disconnected" || (state === "connecting" && page.cluster.value !== null);
}
