import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { InvalidArgumentError } from "../../errors/index.ts";
import {
  answerError,
  checkProblemOptions,
  headersOfBody,
  noteStart,
  notFoundProblem,
  outcomeOf,
  sendProblem,
  startOf,
  watchBody,
  type Problem,
  type ProblemOptions,
  type ProblemSettings,
  type RequestFacts,
} from "../http-server/index.ts";

export interface ProblemPluginOptions extends ProblemOptions<FastifyRequest> {
  /** Whether requests that no route is for are answered with a problem document too. Default true. */
  readonly notFound?: boolean;
}

type Settings = ProblemSettings<FastifyRequest>;

const register: FastifyPluginAsync<ProblemPluginOptions> = async (app, given) => {
  const { notFound, settings } = settingsOf(given);

  app.addHook("onRequest", (request, _reply, next) => {
    noteStart(request);
    next();
  });

  app.setErrorHandler((error: unknown, request, reply) => {
    answerError(settings, error, factsOf(request), request.raw, reply.raw, (problem) => {
      secure(problem, request, reply);
      send(problem, request, reply);
    });
  });

  if (notFound) {
    app.setNotFoundHandler((request, reply) => {
      if (outcomeOf(undefined, request.raw, reply.raw) !== "answered") return;
      send(notFoundProblem(factsOf(request), settings), request, reply);
    });
  }

  // Fastify cuts an answer off when its stream fails midway, and tells nobody but its own log.
  app.addHook("onSend", (request, reply, payload: unknown, next) => {
    if (typeof payload !== "object" || payload === null || Buffer.isBuffer(payload)) next();
    else next(null, watchPayload(payload, settings, request, reply));
  });
};

/**
 * Answers whatever handlers and hooks throw or reject with, and requests that no route is for, with a problem document (RFC
 * 9457) that tells nothing of the inside. Tells `onError` of each, also of streams that fail midway, where Fastify cuts the
 * connection. A route's own `errorHandler` goes first.
 *
 * It concerns the instance it is registered on and all below it, not a scope of its own.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * await app.register(problemPlugin, { onError: ({ failure }) => app.log.error(errorContext(failure)) });
 */
export const problemPlugin: FastifyPluginAsync<ProblemPluginOptions> = Object.assign(register, {
  // What the package fastify-plugin would set.
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "holdfast-problems",
  [Symbol.for("plugin-meta")]: { name: "holdfast-problems", fastify: "5.x" },
});

function send({ status, headers, body }: Problem, { raw }: FastifyRequest, reply: FastifyReply): void {
  for (const name of headersOfBody) reply.removeHeader(name);
  const own: Record<string, string> = { ...headers };
  // Who limits rates may have said it already, and knows better.
  if (reply.hasHeader("retry-after")) delete own["retry-after"];
  // May have been set to a text of the inside.
  if (raw.httpVersionMajor < 2) reply.raw.statusMessage = "";
  void reply.code(status).headers(own).send(body);
}

/**
 * When an `onSend` hook fails on the document, or a header that was set before is none, Fastify asks its own error handler,
 * which tells the message. It keeps who is asked next in the reply: this one sends the document past hooks and headers.
 */
function secure(problem: Problem, request: FastifyRequest, reply: FastifyReply): void {
  const key = Object.getOwnPropertySymbols(reply).find(({ description }) => description === nextErrorHandler);
  if (key !== undefined) Reflect.set(reply, key, { func: () => sendProblem(problem, request.raw, reply.raw) });
}

const nextErrorHandler = "fastify.reply.nextErrorHandler";

function watchPayload(payload: object, settings: Settings, request: FastifyRequest, reply: FastifyReply): unknown {
  const onFailure = (error: unknown): unknown => {
    // Before the first byte, the error handler gets it.
    if (reply.raw.headersSent) answerError(settings, error, factsOf(request), request.raw, reply.raw);
    return error;
  };
  if (isReadable(payload)) payload.once("error", onFailure);
  else if (payload instanceof ReadableStream) return payload.locked ? payload : watchBody(payload, onFailure);
  else if (payload instanceof Response && payload.body !== null && !payload.bodyUsed) {
    return new Response(watchBody(payload.body, onFailure), payload);
  }
  return payload;
}

function isReadable(payload: object): payload is NodeJS.ReadableStream {
  const { pipe, once } = payload as Partial<NodeJS.ReadableStream>;
  return typeof pipe === "function" && typeof once === "function";
}

function factsOf(request: FastifyRequest): RequestFacts<FastifyRequest> {
  return { request, traceparent: request.headers["traceparent"], startedAt: startOf(request) };
}

function settingsOf(options: ProblemPluginOptions): { readonly notFound: boolean; readonly settings: Settings } {
  if (typeof options !== "object" || options === null) {
    throw new InvalidArgumentError("fastify options", "must be an object", options);
  }
  const own: Record<string, unknown> = { ...options };
  // Options of `register` itself, which Fastify passes on.
  for (const name of ["prefix", "logLevel", "logSerializers", "notFound"]) delete own[name];
  const { notFound = true } = options;
  if (typeof notFound !== "boolean") {
    throw new InvalidArgumentError("fastify.notFound", "must be true or false", notFound);
  }
  return { notFound, settings: checkProblemOptions("fastify", own as ProblemOptions<FastifyRequest>) };
}
