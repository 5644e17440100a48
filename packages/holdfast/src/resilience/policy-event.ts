/** Every event says what happened, when, and which policy says so. */
export interface PolicyEvent {
  readonly type: string;
  /** The policy's clock, `wallTime`, milliseconds since 1970. */
  readonly at: number;
  /** The policy's `name` option; empty when none was given. */
  readonly policy: string;
}

/** A listener that says which events it has a use for: the others are not even made. */
interface SelectiveListener<Event extends PolicyEvent> {
  (event: Event): void;
  readonly wants?: (type: Event["type"]) => boolean;
}

/** Whether a listener is to be told of events of this type: ask before one is made. */
export function hears<Event extends PolicyEvent>(
  listener: ((event: Event) => void) | undefined,
  type: Event["type"],
): listener is (event: Event) => void {
  if (listener === undefined) return false;
  const { wants } = listener as SelectiveListener<Event>;
  if (typeof wants !== "function") return true;
  try {
    return wants(type);
  } catch {
    // As broken as a listener that throws.
    return false;
  }
}

/** Tells a listener. One that throws changes nothing about the call: what it throws is dropped. */
export function publish<Event extends PolicyEvent>(listener: (event: Event) => void, event: Event): void {
  try {
    listener(event);
  } catch {
    // The call it watches must not pay for a broken listener.
  }
}
