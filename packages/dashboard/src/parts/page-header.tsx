import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { addressOf, filters, route, viewNames, type ViewName } from "../browser/route.ts";
import { nextTheme, theme } from "../browser/theme.ts";
import { usePage, type PageState } from "../page-state.ts";
import { announce } from "./announcer.tsx";
import { ConnectionPill } from "./connection-pill.tsx";
import { helpIsOpen } from "./help-dialog.tsx";
import { Icon } from "./icon.tsx";
import { PauseButton } from "./pause-button.tsx";

export const viewTitles: { readonly [View in ViewName]: string } = {
  cluster: "Cluster",
  services: "Services",
  events: "Events",
  keys: "Keys",
  work: "Work",
  faults: "Faults",
};

export function PageHeader(): JSX.Element {
  const page = usePage();
  return (
    <header class="page-head">
      <span class="brand">Holdfast</span>
      <nav aria-label="Views">
        <ul>
          {viewNames.map((view) => (
            <li key={view}>
              <a
                href={addressOf(view, "", view === route.value.view ? {} : filters(view))}
                aria-current={route.value.view === view ? "page" : undefined}
              >
                <Icon name={view} />
                {viewTitles[view]}
                <Count view={view} page={page} />
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <span class="spacer" />
      <HealButton />
      {(page.requests !== null || page.paused.value !== null) && <PauseButton />}
      <ConnectionPill />
      <button
        type="button"
        class="quiet"
        onClick={nextTheme}
        aria-label={`Theme: ${theme.value}. Change it`}
        title={`Theme: ${theme.value}`}
      >
        <Icon name="sun" /> <span class="theme-name">{theme.value}</span>
      </button>
      <button
        type="button"
        class="quiet"
        onClick={() => (helpIsOpen.value = true)}
        aria-label="Help and shortcuts"
        title="Help and shortcuts"
      >
        <Icon name="help" />
      </button>
    </header>
  );
}

/** How much there is to look at in a view. */
function Count({ view, page }: { readonly view: ViewName; readonly page: PageState }): JSX.Element | null {
  const [count, what] =
    view === "services"
      ? [page.policies.value.filter(({ tone }) => tone === "bad").length, "policies in trouble"]
      : view === "work"
        ? [page.plans.value.reduce((sum, { approvals }) => sum + approvals.length, 0), "waiting for approval"]
        : view === "faults"
          ? [page.faults.value.length, "active"]
          : [0, ""];
  if (count === 0) return null;
  return (
    <span class="count">
      {count}
      <span class="unseen"> {what}</span>
    </span>
  );
}

/** Always there where faults can be, or are: one press ends all of them. */
function HealButton(): JSX.Element | null {
  const page = usePage();
  const state = useSignal<{ readonly busy: boolean; readonly said: string | null }>({ busy: false, said: null });
  const { requests } = page;
  const active = page.faults.value.length;
  const mayHeal = page.hello.value?.allows.faults === true;
  if (requests === null || (!mayHeal && active === 0)) return null;

  function heal(): void {
    if (state.value.busy || !mayHeal) return;
    state.value = { busy: true, said: null };
    const said = (text: string): void => {
      state.value = { busy: false, said: text };
      announce(text);
    };
    requests?.heal().then(
      ({ removed, stuck }) =>
        said(`Healed: ${removed} removed${stuck > 0 ? `, ${stuck} resist and are tried again` : ""}`),
      (error: unknown) => said(`Not healed: ${(error as Error).message}`),
    );
  }

  return (
    <span class="heal">
      {state.value.said !== null && <span class="muted heal-said">{state.value.said}</span>}
      <button
        type="button"
        class={active > 0 ? "primary" : ""}
        // Not `disabled`: that would take the focus from whoever pressed it.
        aria-disabled={state.value.busy || !mayHeal}
        title={mayHeal ? "Ends every active fault" : "This dashboard is read only"}
        onClick={heal}
      >
        <Icon name="heal" /> Heal everything{active > 0 && ` (${active})`}
      </button>
    </span>
  );
}
