import { HoldfastError } from "../../errors/base.ts";
import {
  formatTraceparent,
  parseTraceContext,
  type Span,
  type TraceContext,
  type Tracer,
} from "../../telemetry/index.ts";
import type { ByteReader, ByteWriter } from "../../wire/index.ts";
import { writeHead } from "./remote-codec.ts";

/**
 * A ping of this number asks what the member knows of what is not in every version. One that knows nothing of it answers
 * as any other ping.
 */
export const knowledgePing = 1;

const traceBit = 1;

/** What follows the head of such a ping's answer. */
export function writeKnowledge(writer: ByteWriter, { traces }: { readonly traces: boolean }): void {
  if (traces) writer.u8(traceBit);
}

export function readKnowledge(reader: ByteReader): { readonly traces: boolean } {
  return { traces: reader.remaining > 0 && (reader.u8("pong.known") & traceBit) !== 0 };
}

/** The trace of the request that follows, which has the same number. */
export function writeTrace(writer: ByteWriter, id: number, context: TraceContext): void {
  writeHead(writer, "trace", id);
  writer.utf8(formatTraceparent(context));
  writer.utf8(context.traceState ?? "");
}

/** Undefined for a context that breaks a rule: the request is answered all the same. */
export function readTrace(reader: ByteReader): TraceContext | undefined {
  const traceparent = reader.utf8("trace.parent");
  return parseTraceContext(traceparent, reader.utf8("trace.state"));
}

/** The names are OpenTelemetry's for RPC. */
export function startRemoteSpan(
  tracer: Pick<Tracer, "startSpan">,
  kind: "client" | "server",
  method: string,
  parent?: TraceContext | null,
): Span {
  return tracer.startSpan(spanName(method), {
    kind,
    ...(parent === undefined ? {} : { parent }),
    attributes: { "rpc.system": "holdfast", "rpc.service": service, "rpc.method": method },
  });
}

export function nameRemoteSpan(span: Span, method: string): void {
  span.rename(spanName(method));
  span.setAttribute("rpc.method", method);
}

/** A client's span has every failure, a server's those that are not the caller's. */
export function failRemoteSpan(span: Span, kind: "client" | "server", error: unknown): void {
  if (kind === "client" || !isCallers(error)) span.fail(error);
  else span.setAttribute("error.type", error.code);
  span.end();
}

function isCallers(error: unknown): error is HoldfastError {
  return HoldfastError.is(error) && ["business", "consistency", "resource"].includes(error.kind);
}

const service = "holdfast.Coordination";

function spanName(method: string): string {
  return `${service}/${method}`;
}
