import { signal, type Signal } from "@preact/signals";

/** Whether the list of events stands still; a key does it too. */
export const eventsPaused: Signal<boolean> = signal(false);
