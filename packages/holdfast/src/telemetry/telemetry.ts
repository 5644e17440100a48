import { checkFunction, checkOneOf, checkOptionNames, InvalidArgumentError } from "../errors/base.ts";
import type { Clock } from "../runtime/system.ts";
import {
  channelName,
  eventRooms,
  eventTypes,
  type EventOf,
  type TelemetryEvent,
  type TelemetryEventType,
  type TelemetryFact,
  tracedRooms,
} from "./event.ts";
import { toldFact } from "./told-fact.ts";

/** The part of a `diagnostics_channel` channel that is used. */
export interface EventChannel {
  readonly hasSubscribers: boolean;
  publish(event: unknown): void;
}

export interface TelemetryOptions {
  /** Stamps events with its `wallTime`. */
  readonly clock: Pick<Clock, "wallTime">;
  /** The node that tells; 1 to 128 characters. */
  readonly nodeId: string;
  /**
   * Node's `channel` of `node:diagnostics_channel`: events then also go to `holdfast:<room>:<type>`, for whoever has no
   * hand on this telemetry. Default: nowhere but to `subscribe`.
   */
  readonly channel?: (name: string) => EventChannel;
  /** The span that is under way, for the trace in which an event happened: a tracer's `current`. Default: none. */
  readonly span?: () => { readonly traceId: string } | undefined;
}

export interface EventFilter<Type extends TelemetryEventType = TelemetryEventType> {
  /** Default: all there are. */
  readonly types?: readonly Type[];
}

/** How often what happened since the start. */
export interface TelemetryMetrics {
  readonly published: number;
  /** Exceptions from listeners, and promises of theirs that were rejected. */
  readonly listenerFailures: number;
  /** Events that listeners published while they were told, beyond 1 024 for one event from outside: not published. */
  readonly dropped: number;
  /** Facts that somebody might have wanted and that are none: of no known type, or with a field that cannot be read. */
  readonly refused: number;
  /** Events that were published with less than they had: at most 1 000 values, 1 024 characters a text, 16 384 in all. */
  readonly shortened: number;
}

/** What happens here, told to whoever listens. */
export interface Telemetry {
  readonly nodeId: string;
  /** Whether anybody listens to anything. */
  readonly active: boolean;
  /** Whether anybody listens to events of this type: ask before making one that is costly to make. */
  wants(type: TelemetryEventType): boolean;
  /**
   * Stamps the fact and tells it, at once; does nothing when nobody wants it. Never throws: what is too large is cut, and
   * what is no fact is refused, both counted.
   */
  publish(fact: TelemetryFact): void;
  /**
   * Tells `listener` every event from now on, in order, or those of some types. Returns what takes the subscription
   * back. What a listener throws is counted and changes nothing, for whoever publishes and for the other listeners.
   *
   * @throws InvalidArgumentError on a filter with a type that does not exist, and beyond 4 096 subscriptions
   */
  subscribe<Type extends TelemetryEventType = TelemetryEventType>(
    listener: (event: EventOf<Type>) => void,
    filter?: EventFilter<Type>,
  ): () => void;
  readonly metrics: TelemetryMetrics;
}

interface Wanted {
  /** By how many subscriptions. */
  count: number;
  readonly channel: EventChannel | undefined;
}

interface Subscription {
  readonly listener: (event: TelemetryEvent) => unknown;
  readonly types: ReadonlySet<TelemetryEventType>;
  isOver: boolean;
}

/** Listeners that publish what they hear of would otherwise never come to an end. */
const maxNested = 1_024;
const maxNodeIdLength = 128;
/** A listener that subscribes whenever it is told would otherwise fill the memory. */
const maxSubscriptions = 4_096;

/**
 * A bus for events. Without a listener, publishing one is a look into a table.
 *
 * @throws InvalidArgumentError on an option that breaks its rule
 * @example
 * const telemetry = createTelemetry({ clock: nodeRuntime().clock, nodeId: "n1" });
 * const stop = telemetry.subscribe(({ leader }) => console.log(leader), { types: ["leaderChanged"] });
 * telemetry.publish({ type: "leaderChanged", leader: "n2", term: 4 }); // n2
 * stop();
 */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  checkOptionNames("telemetry", options, ["clock", "nodeId", "channel", "span"]);
  const { clock, nodeId, channel, span } = options;
  if (typeof nodeId !== "string" || nodeId === "" || nodeId.length > maxNodeIdLength) {
    throw new InvalidArgumentError("telemetry.nodeId", `must be 1 to ${maxNodeIdLength} characters`, nodeId);
  }
  checkFunction("telemetry.channel", channel);
  checkFunction("telemetry.span", span);
  return new Bus(clock, nodeId, channel, span);
}

class Bus implements Telemetry {
  readonly nodeId: string;
  readonly #clock: Pick<Clock, "wallTime">;
  readonly #span: TelemetryOptions["span"];
  /** By type; one look tells whether anybody wants it. */
  readonly #wants = new Map<TelemetryEventType, Wanted>();
  readonly #hasChannels: boolean;
  /** Replaced on every change, so that whoever is being told an event is told it by the list of its beginning. */
  #subscriptions: readonly Subscription[] = [];
  /** Undefined unless an event is being told. */
  #nested: TelemetryEvent[] | undefined;
  #seq = 0;
  #listenerFailures = 0;
  #dropped = 0;
  #refused = 0;
  #shortened = 0;

  constructor(
    clock: Pick<Clock, "wallTime">,
    nodeId: string,
    channel: TelemetryOptions["channel"],
    span: TelemetryOptions["span"],
  ) {
    this.#clock = clock;
    this.#span = span;
    this.nodeId = nodeId;
    this.#hasChannels = channel !== undefined;
    for (const type of eventTypes) this.#wants.set(type, { count: 0, channel: channel?.(channelName(type)) });
  }

  get active(): boolean {
    return this.#subscriptions.length > 0 || eventTypes.some((type) => this.wants(type));
  }

  get metrics(): TelemetryMetrics {
    const [published, listenerFailures, dropped] = [this.#seq, this.#listenerFailures, this.#dropped];
    return { published, listenerFailures, dropped, refused: this.#refused, shortened: this.#shortened };
  }

  wants(type: TelemetryEventType): boolean {
    // Asked for each call that a policy turns away, mostly in vain.
    if (this.#subscriptions.length === 0 && !this.#hasChannels) return false;
    const wanted = this.#wants.get(type);
    return wanted !== undefined && (wanted.count > 0 || wanted.channel?.hasSubscribers === true);
  }

  publish(fact: TelemetryFact): void {
    if (this.#subscriptions.length === 0 && !this.#hasChannels) return;
    const event = this.#stamped(fact);
    if (event === undefined) return;
    if (this.#nested !== undefined) {
      // After the event that is being told, for all listeners: they hear everything in one order.
      this.#nested.push(event);
      return;
    }
    const events = (this.#nested = [event]);
    for (const each of events) this.#tell(each);
    this.#nested = undefined;
  }

  subscribe<Type extends TelemetryEventType>(
    listener: (event: EventOf<Type>) => void,
    filter: EventFilter<Type> = {},
  ): () => void {
    if (typeof listener !== "function") {
      throw new InvalidArgumentError("telemetry.subscribe listener", "must be a function", listener);
    }
    const types = checkTypes(filter);
    if (this.#subscriptions.length >= maxSubscriptions) {
      throw new InvalidArgumentError(
        "telemetry.subscribe",
        `must not go beyond ${maxSubscriptions} subscriptions`,
        types,
      );
    }
    const subscription: Subscription = { listener: listener as Subscription["listener"], types, isOver: false };
    this.#subscriptions = [...this.#subscriptions, subscription];
    this.#count(types, 1);
    return () => {
      if (subscription.isOver) return;
      subscription.isOver = true;
      this.#subscriptions = this.#subscriptions.filter((other) => other !== subscription);
      this.#count(types, -1);
    };
  }

  /** Undefined when nobody wants it, there are too many, or it is none. */
  #stamped(fact: TelemetryFact): TelemetryEvent | undefined {
    try {
      const { type } = fact;
      if (!this.wants(type)) {
        if (!this.#wants.has(type)) this.#refused++;
        return undefined;
      }
      if (this.#nested !== undefined && this.#nested.length > maxNested) {
        this.#dropped++;
        return undefined;
      }
      const { fields, isShort } = toldFact(fact);
      const at = this.#clock.wallTime();
      if (isShort) this.#shortened++;
      // What is stamped is no fact's to say. One object for all listeners, and for whoever keeps it.
      const traceId = tracedRooms.has(eventRooms[type]) ? this.#span?.()?.traceId : undefined;
      const trace = traceId === undefined ? undefined : { traceId };
      const stamp = { type, at, nodeId: this.nodeId, seq: ++this.#seq, ...trace };
      return Object.freeze({ ...stamp, ...fields, ...stamp }) as unknown as TelemetryEvent;
    } catch {
      // A field that throws when it is read.
      this.#refused++;
      return undefined;
    }
  }

  #tell(event: TelemetryEvent): void {
    for (const { listener, types, isOver } of this.#subscriptions) {
      if (isOver || !types.has(event.type)) continue;
      try {
        const outcome = listener(event);
        if (outcome instanceof Promise) outcome.catch(() => this.#listenerFailures++);
      } catch {
        this.#listenerFailures++;
      }
    }
    const channel = this.#wants.get(event.type)?.channel;
    if (channel?.hasSubscribers !== true) return;
    try {
      channel.publish(event);
    } catch {
      this.#listenerFailures++;
    }
  }

  #count(types: ReadonlySet<TelemetryEventType>, by: 1 | -1): void {
    for (const type of types) this.#wants.get(type)!.count += by;
  }
}

function checkTypes(filter: EventFilter): ReadonlySet<TelemetryEventType> {
  checkOptionNames("telemetry.subscribe filter", filter, ["types"]);
  const { types = eventTypes } = filter;
  if (!Array.isArray(types)) throw new InvalidArgumentError("filter.types", "must be an array", types);
  for (const [at, type] of types.entries()) checkOneOf(`filter.types[${at}]`, type, eventTypes);
  return new Set(types);
}
