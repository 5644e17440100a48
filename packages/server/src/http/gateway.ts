import { Buffer } from "node:buffer";
import type { Status } from "../grpc/status-code.ts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Dispatcher } from "../etcd/dispatcher.ts";
import type { RequestLimits, UnaryMethod } from "../etcd/method.ts";
import { methods } from "../etcd/methods.ts";
import { traceOf } from "../etcd/request-span.ts";
import { statusOf } from "../etcd/status.ts";
import type { WireMessage } from "../etcd/wire-type.ts";
import { errorBody, httpStatusOf } from "./http-status.ts";
import { callerGone, optionsOf, parse } from "./gateway-request.ts";
import { serveStream } from "./gateway-stream.ts";
import { fromJson, toJson } from "./proto-json.ts";

/** The version prefixes that etcd 3.4 serves. */
const prefixes = ["/v3", "/v3beta"];

/** etcd's JSON gateway: every method of the protocol as a POST of its request in JSON. */
export function registerGateway(app: FastifyInstance, dispatcher: Dispatcher): void {
  for (const method of methods) {
    for (const path of prefixes.flatMap((prefix) => method.gatewayPaths.map((below) => prefix + below))) {
      app.post(path, (request, reply) =>
        method.kind === "unary"
          ? serve(dispatcher, method, request, reply)
          : serveStream(dispatcher, method, request, reply),
      );
    }
  }
}

function serve(dispatcher: Dispatcher, method: UnaryMethod, request: FastifyRequest, reply: FastifyReply): void {
  const controller = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) controller.abort(callerGone);
  });
  let call;
  try {
    const body = (request.body as string | undefined) ?? "";
    const message = decode(method, body);
    const bytes = sizeOf(message, method, body.length, dispatcher.limits);
    const trace = dispatcher.traces ? traceOf((name) => request.headers[name]) : undefined;
    call = { message, bytes, options: optionsOf(request, controller.signal), trace };
  } catch (error) {
    return sendFailure(reply, statusOf(error));
  }
  dispatcher.dispatch(
    "http",
    method,
    call,
    (message) => sendJson(reply, 200, toJson(method.response.name, message)),
    (status) => sendFailure(reply, status),
  );
}

function decode(method: UnaryMethod, body: string): WireMessage {
  if (body.trim() === "") return method.request.create();
  return fromJson(method.request.name, parse(body));
}

/**
 * A document is at least as long as the message it stands for, so its own length will do unless that is too much: only
 * then is the exact size worked out.
 */
function sizeOf(message: WireMessage, method: UnaryMethod, documentLength: number, limits: RequestLimits): number {
  return documentLength * 2 <= limits.maxRequestBytes ? documentLength : method.request.encode(message).length;
}

/** Answers past the framework, which would only add a charset that JSON has not and etcd does not send. */
export function sendJson(reply: FastifyReply, code: number, body: string): void {
  reply.hijack();
  reply.raw.writeHead(code, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  reply.raw.end(body);
}

export function sendFailure(reply: FastifyReply, status: Status): void {
  sendJson(reply, httpStatusOf(status.code), errorBody(status));
}
