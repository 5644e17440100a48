import { checkOneOf, checkOptionNames, InvalidArgumentError } from "../../errors/base.ts";
import { extractTrace, injectTrace, type MessageHeaders } from "./message-headers.ts";
import type { Attributes, Span } from "./span.ts";
import { checkTracer, runInSpan, type Tracer } from "./tracer.ts";

interface MessagePlace {
  readonly tracer: Tracer;
  /** `rabbitmq`, `kafka`, `nats`, `redis`, … as OpenTelemetry names them. */
  readonly system: string;
  /** The queue, exchange, topic, subject or stream: what it is called for all messages, without their own ids. */
  readonly destination: string;
  readonly messageId?: string;
  readonly attributes?: Attributes;
}

export interface SendSpanOptions<Headers extends MessageHeaders> extends MessagePlace {
  /** Get the trace; default those of an object. */
  readonly headers?: Headers;
}

export interface ProcessSpanOptions extends MessagePlace {
  /** The message's. Either these or `batch`. */
  readonly headers?: unknown;
  /** Of each message of a batch. */
  readonly batch?: readonly unknown[];
  /**
   * What the sender's span is to this one: `parent`, so that one trace has all (default for a message), or `link`, when it
   * waited too long for that, or there are several (always for a batch).
   */
  readonly sender?: "parent" | "link";
}

const sendNames = ["tracer", "system", "destination", "messageId", "attributes", "headers"];
const processNames = [...sendNames, "batch", "sender"];

/**
 * Sends a message in a span of the kind `producer`, whose trace its headers carry. The span ends with what `send` gives or
 * throws, or with the promise that it gives. Names and attributes are OpenTelemetry's for messaging.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * sendInSpan({ tracer, system: "rabbitmq", destination: "orders" }, (headers) =>
 *   channel.publish("orders", "placed", body, { headers }),
 * );
 */
export function sendInSpan<R, Headers extends MessageHeaders = Record<string, unknown>>(
  options: SendSpanOptions<Headers>,
  send: (headers: Headers, span: Span) => R,
): R {
  checkOptionNames("sendInSpan", options, sendNames);
  const tracer = checkPlace("sendInSpan", options);
  const headers = options.headers ?? ({} as Headers);
  return runInSpan(tracer, `send ${options.destination}`, (span) => send(injectTrace(headers, span), span), {
    kind: "producer",
    attributes: attributesOf("send", options),
  });
}

/**
 * Handles a message, or a batch of them, in a span of the kind `consumer`: of the sender's trace, or in one of its own with a
 * link to each sender's span. Headers without a trace begin one.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * await processInSpan({ tracer, system: "nats", destination: "orders.placed", headers: message.headers }, () => handle(message));
 */
export function processInSpan<R>(options: ProcessSpanOptions, work: (span: Span) => R): R {
  checkOptionNames("processInSpan", options, processNames);
  const tracer = checkPlace("processInSpan", options);
  const { headers, batch, sender = batch === undefined ? "parent" : "link" } = options;
  checkOneOf("processInSpan.sender", sender, batch === undefined ? ["parent", "link"] : ["link"]);
  if (batch !== undefined && (headers !== undefined || !Array.isArray(batch))) {
    throw new InvalidArgumentError("processInSpan.batch", "must be a list, without headers", batch);
  }
  const senders = (batch ?? [headers]).flatMap((one) => extractTrace(one) ?? []);
  return runInSpan(tracer, `process ${options.destination}`, work, {
    kind: "consumer",
    parent: (sender === "parent" ? senders[0] : undefined) ?? null,
    links: sender === "link" ? senders.map((context) => ({ context })) : [],
    attributes: { ...attributesOf("process", options), "messaging.batch.message_count": batch?.length },
  });
}

function attributesOf(operation: "send" | "process", place: MessagePlace): Attributes {
  return {
    ...place.attributes,
    "messaging.system": place.system,
    "messaging.destination.name": place.destination,
    "messaging.operation.name": operation,
    "messaging.operation.type": operation,
    "messaging.message.id": place.messageId,
  };
}

function checkPlace(name: string, { tracer, system, destination }: MessagePlace): Tracer {
  for (const [option, value] of Object.entries({ system, destination })) {
    if (typeof value !== "string" || value === "" || value.length > 1_024) {
      throw new InvalidArgumentError(`${name}.${option}`, "must be 1 to 1024 characters", value);
    }
  }
  return checkTracer(`${name}.tracer`, tracer);
}
