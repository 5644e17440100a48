import { signal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { setShortcutsOn, shortcutsOn, type Shortcut } from "../browser/shortcuts.ts";
import { usePage } from "../page-state.ts";

export const helpIsOpen: Signal<boolean> = signal(false);

export function HelpDialog({ shortcuts }: { readonly shortcuts: readonly Shortcut[] }): JSX.Element | null {
  const page = usePage();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (helpIsOpen.value) dialog.current?.showModal();
  }, [helpIsOpen.value]);
  if (!helpIsOpen.value) return null;
  return (
    <dialog ref={dialog} aria-labelledby="help-title" onClose={() => (helpIsOpen.value = false)}>
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {shortcuts.map(({ key, does }) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={shortcutsOn.value}
          onChange={(event) => setShortcutsOn(event.currentTarget.checked)}
        />{" "}
        Single keys do something
      </label>
      <p class="muted">
        {page.hello.value === null
          ? ""
          : `Holdfast ${page.hello.value.release}, served by ${page.hello.value.servedBy}.`}
      </p>
      <button type="button" class="primary" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  );
}
