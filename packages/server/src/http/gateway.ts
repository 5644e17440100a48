import { Buffer } from "node:buffer";
import { status as grpcCode } from "@grpc/grpc-js";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Dispatcher } from "../etcd/dispatcher.ts";
import { methods, type Method, type RequestLimits } from "../etcd/methods.ts";
import { identityHeader } from "../etcd/request-identity.ts";
import { parseGrpcTimeout, requestOptions } from "../etcd/request-options.ts";
import { RequestError, statusOf, type Status } from "../etcd/status.ts";
import type { WireMessage } from "../etcd/wire-type.ts";
import { errorBody, httpStatusOf } from "./http-status.ts";
import { parseJson } from "./json-integer.ts";
import { fromJson, toJson } from "./proto-json.ts";

/** The version prefixes that etcd 3.4 serves. */
const prefixes = ["/v3", "/v3beta"];

const callerGone = new Error("the caller closed its connection before the answer");

/** etcd's JSON gateway: every method of the protocol as a POST of its request in JSON. */
export function registerGateway(app: FastifyInstance, dispatcher: Dispatcher): void {
  for (const method of methods) {
    for (const prefix of prefixes) {
      app.post(prefix + method.gatewayPath, (request, reply) => serve(dispatcher, method, request, reply));
    }
  }
}

function serve(dispatcher: Dispatcher, method: Method, request: FastifyRequest, reply: FastifyReply): void {
  const controller = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) controller.abort(callerGone);
  });
  let call;
  try {
    const body = (request.body as string | undefined) ?? "";
    const message = decode(method, body);
    const bytes = sizeOf(message, method, body.length, dispatcher.limits);
    call = { message, bytes, options: optionsOf(request, controller.signal) };
  } catch (error) {
    return sendFailure(reply, statusOf(error), dispatcher.closing);
  }
  dispatcher.dispatch(
    "http",
    method,
    call,
    (message) => sendJson(reply, 200, toJson(method.response.name, message), dispatcher.closing),
    (status) => sendFailure(reply, status, dispatcher.closing),
  );
}

function decode(method: Method, body: string): WireMessage {
  if (body.trim() === "") return method.request.create();
  return fromJson(method.request.name, parse(body));
}

function parse(body: string): unknown {
  try {
    return parseJson(body);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RequestError(grpcCode.INVALID_ARGUMENT, `the body must be one JSON document: ${reason}`);
  }
}

/**
 * A document is at least as long as the message it stands for, so its own length will do unless that is too much: only
 * then is the exact size worked out.
 */
function sizeOf(message: WireMessage, method: Method, documentLength: number, limits: RequestLimits): number {
  return documentLength * 2 <= limits.maxRequestBytes ? documentLength : method.request.encode(message).length;
}

function optionsOf(request: FastifyRequest, signal: AbortSignal): ReturnType<typeof requestOptions> {
  const { headers } = request;
  return requestOptions(signal, single(headers[identityHeader]), parseGrpcTimeout(single(headers["grpc-timeout"])));
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(", ") : header;
}

/** Answers past the framework, which would only add a charset that JSON has not and etcd does not send. */
export function sendJson(reply: FastifyReply, code: number, body: string, last = false): void {
  reply.hijack();
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  // While closing, the connection goes with its answer.
  reply.raw.writeHead(code, last ? { ...headers, connection: "close" } : headers);
  reply.raw.end(body);
}

export function sendFailure(reply: FastifyReply, status: Status, last = false): void {
  sendJson(reply, httpStatusOf(status.code), errorBody(status), last);
}
