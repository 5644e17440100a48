import { STATUS_CODES } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Dispatcher } from "../etcd/dispatcher.ts";
import { MessageQueue } from "../etcd/message-queue.ts";
import type { StreamMethod } from "../etcd/method.ts";
import { traceOf } from "../etcd/request-span.ts";
import { statusOf } from "../etcd/status.ts";
import type { WireMessage } from "../etcd/wire-type.ts";
import { grpcCode, type Status } from "../grpc/status-code.ts";
import { callerGone, optionsOf, parse } from "./gateway-request.ts";
import { errorBody, httpStatusOf } from "./http-status.ts";
import { fromJson, toJson } from "./proto-json.ts";

/**
 * A streaming call over HTTP/1.1: the body holds the caller's messages, one JSON document after the other; the answer is a
 * line `{"result":…}` for each message and, when the call fails, a last line `{"error":…}`. A call of one message each way
 * looks as if it did not stream.
 */
export function serveStream(
  dispatcher: Dispatcher,
  method: StreamMethod,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { raw } = reply;
  const controller = new AbortController();
  const requests = new MessageQueue<WireMessage>({
    maxLength: Number.MAX_SAFE_INTEGER,
    onFull: () => undefined,
    onRoom: () => undefined,
  });
  reply.hijack();
  const finish = ({ code, message }: Status): void => {
    requests.end();
    if (code !== grpcCode.OK) {
      const status = httpStatusOf(code);
      begin(status);
      if (method.isSingle === true) {
        raw.end(errorBody({ code, message }));
        return;
      }
      const error = { grpc_code: code, http_code: status, message, http_status: STATUS_CODES[status] ?? "" };
      raw.write(`${JSON.stringify({ error })}\n`);
    }
    begin(200);
    raw.end();
  };
  raw.once("close", () => {
    controller.abort(callerGone);
    requests.end();
  });
  let options;
  try {
    options = optionsOf(request, controller.signal);
    for (const text of documents((request.body as string | undefined) ?? "")) {
      requests.push(fromJson(method.request.name, parse(text)));
    }
  } catch (error) {
    return finish(statusOf(error));
  }
  requests.end();
  const call = {
    options,
    trace: dispatcher.traces ? traceOf((name) => request.headers[name]) : undefined,
    requireLeader: request.headers["grpc-metadata-hasleader"] === "true",
    requests,
    send(message: WireMessage): Promise<void> | undefined {
      begin(200);
      const json = toJson(method.response.name, message);
      if (raw.write(method.isSingle === true ? json : `{"result":${json}}\n`) || raw.destroyed) return undefined;
      return new Promise((resolve) => {
        raw.once("drain", done).once("close", done);
        function done(): void {
          raw.off("drain", done).off("close", done);
          resolve();
        }
      });
    },
  };
  dispatcher.open("http", method, call, finish);

  function begin(status: number): void {
    if (raw.headersSent) return;
    raw.writeHead(status, { "content-type": "application/json" });
    raw.flushHeaders();
  }
}

/** Cuts JSON documents that follow one another; what is no JSON comes in one piece, for the parser to complain about. */
function* documents(body: string): Generator<string, void, undefined> {
  const token = /"(?:[^"\\]|\\.)*"|[{}]/gs;
  let depth = 0;
  let start = 0;
  for (let match = token.exec(body); match !== null; match = token.exec(body)) {
    if (match[0] === "{") depth++;
    if (match[0] !== "}" || --depth !== 0) continue;
    yield body.slice(start, token.lastIndex);
    start = token.lastIndex;
  }
  if (body.slice(start).trim() !== "") yield body.slice(start);
}
