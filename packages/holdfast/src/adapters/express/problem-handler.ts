import type { ErrorRequestHandler, Request, RequestHandler } from "express";
import {
  answerError,
  answerNotFound,
  checkProblemOptions,
  noteStarts,
  startOf,
  type ProblemOptions,
  type RequestFacts,
} from "../http-server/index.ts";

/** An error handler, and beside it a handler for what no route is for. */
export interface Problems extends ErrorRequestHandler {
  readonly notFound: RequestHandler;
}

/**
 * Error handler that answers whatever was thrown, rejected or passed to `next` with a problem document (RFC 9457) that tells
 * nothing of the inside, and cuts the connection where an answer has begun already. Goes after all routes. Works with
 * Express 5, and wherever `(error, request, response, next)` does.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * const answer = problems({ onError: ({ failure }) => log.error(errorContext(failure)) });
 * app.use(answer.notFound);
 * app.use(answer);
 */
export function problems(options: ProblemOptions<Request> = {}): Problems {
  const settings = checkProblemOptions("express", options);
  noteStarts();
  // Four parameters: by their number Express knows an error handler.
  const answer: ErrorRequestHandler = (error: unknown, request, response, _next) => {
    answerError(settings, error, factsOf(request), request, response);
  };
  const notFound: RequestHandler = (request, response) => {
    answerNotFound(settings, factsOf(request), request, response);
  };
  return Object.assign(answer, { notFound });
}

function factsOf(request: Request): RequestFacts<Request> {
  return { request, traceparent: request.headers["traceparent"], startedAt: startOf(request) };
}
