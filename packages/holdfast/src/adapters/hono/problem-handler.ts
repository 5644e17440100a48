import type { Context, ErrorHandler, MiddlewareHandler, NotFoundHandler } from "hono";
import type { StreamingApi } from "hono/utils/stream";
import {
  answerError,
  checkProblemOptions,
  cutOff,
  headersOfBody,
  notFoundProblem,
  noteStart,
  noteStarts,
  outcomeOf,
  problemOf,
  startOf,
  tellProblem,
  watchBody,
  type Problem,
  type ProblemOptions,
  type ProblemSettings,
  type RequestFacts,
} from "../http-server/index.ts";
import { nodeOf } from "./problem-node-pair.ts";

/** An error handler for `app.onError`, and beside it what goes elsewhere. */
export interface Problems extends ErrorHandler {
  /** For `app.notFound`. */
  readonly notFound: NotFoundHandler;
  /**
   * For `app.use`, before all else: answers what was thrown and is no `Error`, which Hono tells no error handler about, and
   * tells the listener of bodies that fail midway.
   */
  readonly watch: MiddlewareHandler;
  /** For `stream`, `streamText`, `streamSSE`: cuts the answer off, which they would end as if it were whole. */
  cutOff(context: Context): (error: Error, stream: StreamingApi) => Promise<void>;
}

/**
 * Error handler that answers whatever was thrown or rejected with a problem document (RFC 9457) that tells nothing of the
 * inside.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const answer = problems({ onError: ({ failure }) => log.error(errorContext(failure)) });
 * app.use(answer.watch);
 * app.onError(answer);
 * app.notFound(answer.notFound);
 */
export function problems(options: ProblemOptions<Context> = {}): Problems {
  const settings = checkProblemOptions("hono", options);
  noteStarts();
  const answer = (error: unknown, context: Context): Response => answerFor(settings, error, context);
  const watch: MiddlewareHandler = async (context, next) => {
    if (nodeOf(context.env) === undefined) noteStart(context.req.raw);
    try {
      await next();
    } catch (error) {
      context.res = answer(error, context);
      return;
    }
    if (isWhole(context.res)) return;
    const { body } = context.res;
    if (body === null || body.locked) return;
    context.res = new Response(
      watchBody(body, (error) => bodyFailed(settings, error, context)),
      context.res,
    );
  };
  const notFound: NotFoundHandler = (context) => toResponse(notFoundProblem(factsOf(context), settings), context);
  const onStreamError: Problems["cutOff"] = (context) => async (error, stream) => {
    const node = nodeOf(context.env);
    const isGone = node !== undefined && outcomeOf(error, node.incoming, node.outgoing) === "clientGone";
    // Also before the first byte: the answer has been returned, and its status cannot be taken back.
    if (node !== undefined) cutOff(node.outgoing);
    report(settings, error, context, isGone ? "clientGone" : "cutOff");
    stream.abort();
  };
  return Object.assign(answer, { notFound, watch, cutOff: onStreamError });
}

function answerFor(settings: ProblemSettings<Context>, error: unknown, context: Context): Response {
  const facts = factsOf(context, error);
  const node = nodeOf(context.env);
  if (node !== undefined) {
    let response: Response | undefined;
    answerError(settings, error, facts, node.incoming, node.outgoing, (problem) => {
      response = toResponse(problem, context);
    });
    response ??= nobodyThere();
    discardAnswer(context);
    return response;
  }
  const isGone = context.req.raw.signal.aborted;
  const problem = problemOf(error, facts, settings);
  tellProblem(settings, facts, error, problem, isGone ? "clientGone" : "answered", isGone ? 499 : problem.status);
  const response = isGone ? nobodyThere() : toResponse(problem, context);
  discardAnswer(context);
  return response;
}

/** Gives the error that the server goes on with. */
function bodyFailed(settings: ProblemSettings<Context>, error: unknown, context: Context): unknown {
  const node = nodeOf(context.env);
  if (node === undefined) {
    report(settings, error, context, "cutOff");
    return error;
  }
  answerError(settings, error, factsOf(context, error), node.incoming, node.outgoing);
  // Node's server of Hono would write the message of any other error to the client.
  return Object.assign(new Error("the answer was broken off"), { code: "ERR_STREAM_PREMATURE_CLOSE" });
}

/** Of an answer that has begun. */
function report(
  settings: ProblemSettings<Context>,
  error: unknown,
  context: Context,
  outcome: "cutOff" | "clientGone",
): void {
  const facts = factsOf(context, error);
  const status = outcome === "clientGone" ? 499 : context.res.status;
  tellProblem(settings, facts, error, problemOf(error, facts, settings), outcome, status);
}

/** With the headers that were set before, such as those of cookies and CORS, but none of the body that is not sent. */
function toResponse({ status, headers, body }: Problem, { req, res }: Context): Response {
  const all = new Headers(res.headers);
  for (const name of headersOfBody) all.delete(name);
  for (const [name, value] of Object.entries(headers)) {
    // Who limits rates may have said it already, and knows better.
    if (name !== "retry-after" || !all.has(name)) all.set(name, value);
  }
  return new Response(req.method === "HEAD" ? null : body, { status, headers: all });
}

/** Hono would put the headers of an answer that was there before over those of the new one. */
function discardAnswer(context: Context): void {
  const { body } = context.res;
  context.res = undefined;
  if (body !== null && !body.locked) void body.cancel().catch(() => {});
}

function factsOf(context: Context, error?: unknown): RequestFacts<Context> {
  const node = nodeOf(context.env);
  return {
    request: context,
    traceparent: context.req.header("traceparent"),
    startedAt: startOf(node?.incoming ?? context.req.raw),
    isExposed: isAnswer(error),
  };
}

/**
 * Whether the body is no stream, as far as can be told without making a real Response of the light one that Node's server
 * of Hono uses: that is most of what an answer costs. It holds status, body and headers in one list.
 */
function isWhole(response: Response): boolean {
  for (const key of Object.getOwnPropertySymbols(response)) {
    const held = (response as unknown as Readonly<Record<symbol, unknown>>)[key];
    if (!Array.isArray(held) || typeof held[0] !== "number") continue;
    return held[1] === null || typeof held[1] === "string" || held[1] instanceof Uint8Array;
  }
  return false;
}

/** Hono's `HTTPException`, whose message is the answer unless somebody handles it: by shape, as copies of Hono differ. */
function isAnswer(error: unknown): boolean {
  try {
    return typeof (error as { readonly getResponse?: unknown } | null | undefined)?.getResponse === "function";
  } catch {
    return false;
  }
}

/** Nobody gets it; the framework wants an answer all the same. */
function nobodyThere(): Response {
  return new Response(null, { status: 499 });
}
