import { signal, type Signal } from "@preact/signals";

/** A key that does something, and what it does in words. */
export interface Shortcut {
  readonly key: string;
  readonly does: string;
  run(): void;
}

const stored = "holdfast-shortcuts";

/** Off for those to whom single keys are in the way: dictation, or a trembling hand. */
export const shortcutsOn: Signal<boolean> = signal(fromStorage());

export function setShortcutsOn(on: boolean): void {
  shortcutsOn.value = on;
  try {
    localStorage.setItem(stored, on ? "on" : "off");
  } catch {
    // Then it holds for this visit.
  }
}

/** Listens until the function that it gives is called. Keys typed into a field are its own. */
export function listenForShortcuts(shortcuts: readonly Shortcut[]): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (!shortcutsOn.value || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target as HTMLElement;
    if (target.closest("input, select, textarea, dialog, [contenteditable]") !== null) return;
    const shortcut = shortcuts.find(({ key }) => key === event.key);
    if (shortcut === undefined) return;
    event.preventDefault();
    shortcut.run();
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}

function fromStorage(): boolean {
  try {
    return localStorage.getItem(stored) !== "off";
  } catch {
    return true;
  }
}
