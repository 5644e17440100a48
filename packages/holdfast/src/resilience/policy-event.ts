/** Every event says what happened, when, and which policy says so. */
export interface PolicyEvent {
  readonly type: string;
  /** The policy's clock, `wallTime`, milliseconds since 1970. */
  readonly at: number;
  /** The policy's `name` option; empty when none was given. */
  readonly policy: string;
}

/** Tells a listener. One that throws changes nothing about the call: what it throws is dropped. */
export function publish<Event extends PolicyEvent>(listener: (event: Event) => void, event: Event): void {
  try {
    listener(event);
  } catch {
    // The call it watches must not pay for a broken listener.
  }
}
