import { notFoundProblem, problemOf, tellProblem, type Problem } from "./problem-document.ts";
import type { RequestFacts } from "./problem-members.ts";
import type { ProblemOutcome, ProblemSettings } from "./problem-options.ts";
import { cutOff, headersOfBody, outcomeOf, type ProblemRequest, type ProblemResponse } from "./problem-outcome.ts";

/** Whatever a framework does with a document where the answer has not begun. */
export type SendProblem = (problem: Problem) => void;

/**
 * Answers an error, if there is anybody to answer and nothing has been sent; cuts the connection where half an answer has
 * gone out, because only so the client notices. Either way the listener is told, once the document is on its way.
 */
export function answerError<Request>(
  settings: ProblemSettings<Request>,
  error: unknown,
  facts: RequestFacts<Request>,
  request: ProblemRequest,
  response: ProblemResponse,
  send: SendProblem = (problem) => sendProblem(problem, request, response),
): ProblemOutcome {
  const outcome = outcomeOf(error, request, response);
  const sent = response.statusCode;
  const problem = problemOf(error, facts, settings);
  if (outcome === "answered") send(problem);
  if (outcome === "cutOff") cutOff(response);
  const status = outcome === "answered" ? problem.status : outcome === "clientGone" ? 499 : sent;
  tellProblem(settings, facts, error, problem, outcome, status);
  return outcome;
}

/** Answers a request that no route is for. */
export function answerNotFound<Request>(
  settings: ProblemSettings<Request>,
  facts: RequestFacts<Request>,
  request: ProblemRequest,
  response: ProblemResponse,
): void {
  if (outcomeOf(undefined, request, response) !== "answered") return;
  sendProblem(notFoundProblem(facts, settings), request, response);
}

/** In place of whatever the handler meant to send. */
export function sendProblem(
  { status, title, headers, body }: Problem,
  { method, httpVersionMajor }: ProblemRequest,
  response: ProblemResponse,
): void {
  for (const name of headersOfBody) response.removeHeader(name);
  const own: Record<string, string | number> = { ...headers, "content-length": Buffer.byteLength(body) };
  // Who limits rates may have said it already, and knows better.
  if (response.hasHeader("retry-after")) delete own["retry-after"];
  // HTTP/1 has a phrase beside the status, which may have been set to a text of the inside.
  if (httpVersionMajor < 2) response.writeHead(status, title, own);
  else response.writeHead(status, own);
  if (method === "HEAD") response.end();
  else response.end(body);
}
