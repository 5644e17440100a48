/**
 * Listens on a signal that many calls share: one listener of the platform's for all of them. The platform looks through
 * all listeners of a signal for each one that is added or removed, so thousands of calls on one signal would wait for
 * that more than for anything else.
 */
export function addAbortListener(signal: AbortSignal, listener: () => void): void {
  let shared = bySignal.get(signal);
  if (shared === undefined) {
    shared = new SharedListener();
    bySignal.set(signal, shared);
  }
  if (shared.listeners.size === 0) signal.addEventListener("abort", shared, once);
  shared.listeners.add(listener);
}

/** Takes it away; with the last one nothing stays on the signal. */
export function removeAbortListener(signal: AbortSignal, listener: () => void): void {
  const shared = bySignal.get(signal);
  if (shared !== undefined && shared.listeners.delete(listener) && shared.listeners.size === 0) {
    signal.removeEventListener("abort", shared);
  }
}

const once = { once: true } as const;

class SharedListener {
  readonly listeners = new Set<() => void>();

  handleEvent(): void {
    const listeners = [...this.listeners];
    this.listeners.clear();
    for (const listener of listeners) listener();
  }
}

const bySignal = new WeakMap<AbortSignal, SharedListener>();
