import type { Request, RequestHandler } from "express";
import type { Policy } from "../../resilience/index.ts";
import { admit, checkSheddingOptions, sendRefusal, type SheddingOptions } from "../http-server/index.ts";

/**
 * Middleware that asks a policy whether a request may come in, and answers those that may not: 429 when a rate is used up,
 * else 503, with `Retry-After` and a problem document. What the policy gives out for a request comes back when the response
 * is over or the client has gone. Works with Express 5, and wherever `(request, response, next)` does.
 *
 * @throws InvalidArgumentError for anything that is no policy, and options that break their rules
 * @example
 * app.use(shedding(bulkhead({ maxConcurrent: 200, maxQueue: 50, maxWaitMs: 1_000 }), { skip: ["/healthz"] }));
 */
export function shedding(policy: Policy<unknown>, options: SheddingOptions<Request> = {}): RequestHandler {
  const settings = checkSheddingOptions("express", policy, options, pathOf);
  return (request, response, next) => {
    admit(settings, request, response, {
      proceed: () => next(),
      refuse: (refusal) => sendRefusal(response, refusal),
      fail: (error) => next(error),
    });
  };
}

/** The whole path, wherever the middleware is mounted. */
function pathOf({ originalUrl }: Request): string {
  return originalUrl.split("?", 1)[0] ?? "";
}
