import type { TelemetryEventType, TelemetryFact } from "./event.ts";
import type { Telemetry } from "./telemetry.ts";
import { toldError, type ToldError } from "./told-error.ts";

/** What policies, redundant nodes and orchestrators of plans tell their listeners. */
export interface ListenedEvent {
  readonly type: string;
}

/** Fits every `onEvent` option. */
export interface TelemetryListener {
  (event: ListenedEvent): void;
  /** Whether somebody listens to events of this type: policies ask before they make one. */
  wants(type: string): boolean;
}

/**
 * Publishes what a policy tells its listener: the one line that brings policies, redundancy and plans into a telemetry.
 * Nothing is made, not even the policy's own event, for a type that nobody listens to.
 *
 * @example
 * const onEvent = telemetryListener(telemetry);
 * const stock = pipeline(retry({ name: "stock", onEvent }), circuitBreaker({ name: "stock", onEvent }));
 */
export function telemetryListener(telemetry: Pick<Telemetry, "wants" | "publish">): TelemetryListener {
  const wants = (type: string): boolean => telemetry.wants(type as TelemetryEventType);
  const listener = (event: ListenedEvent): void => {
    if (wants(event.type)) telemetry.publish(factOf(event) ?? (event as unknown as TelemetryFact));
  };
  return Object.assign(listener, { wants });
}

const maxErrors = 8;

/** Without what the stamp says, and with nothing in it that JSON has no word for. Undefined for what cannot be read. */
function factOf(event: ListenedEvent): TelemetryFact | undefined {
  try {
    return readFact(event);
  } catch {
    return undefined;
  }
}

function readFact(event: ListenedEvent): TelemetryFact {
  const fact: Record<string, unknown> = {};
  // A plan's are recorded, and plain already.
  const isPlain = "execution" in event;
  for (const [name, value] of Object.entries(event)) {
    if (name !== "at") fact[name] = isPlain ? value : plain(name, value);
  }
  // An error that is undefined in one event of a type is there in another: every event of a type has the same fields.
  if (event.type === "nodeFailed" || event.type === "nodeReturned") fact["error"] ??= null;
  return fact as unknown as TelemetryFact;
}

function plain(name: string, value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (name === "error" || name === "failure") return toldError(value);
  if (name === "errors" && Array.isArray(value))
    return value.slice(0, maxErrors).map((each): ToldError => toldError(each));
  return value;
}
