import type { Context, MiddlewareHandler } from "hono";
import type { Policy } from "../../resilience/index.ts";
import { systemClock } from "../../runtime/system.ts";
import {
  Admission,
  checkSheddingOptions,
  endWithResponse,
  executionOf,
  isClosed,
  refusalOf,
  remember,
  startOf,
  type NodeResponse,
  type SheddingOptions,
} from "../http-server/index.ts";
import { nodeOf } from "./problem-node-pair.ts";
import { endWithBody } from "./tracked-body.ts";

/**
 * Middleware that asks a policy whether a request may come in, and answers those that may not: 429 when a rate is used up,
 * else 503, with `Retry-After` and a problem document. What the policy gives out for a request comes back when the body of
 * the response has ended, streamed or not, or the client has gone.
 *
 * @throws InvalidArgumentError for anything that is no policy, and options that break their rules
 * @example
 * app.use(shedding(bulkhead({ maxConcurrent: 200, maxQueue: 50, maxWaitMs: 1_000 }), { skip: ["/healthz"] }));
 */
export function shedding(policy: Policy<unknown>, options: SheddingOptions<Context> = {}): MiddlewareHandler {
  const settings = checkSheddingOptions("hono", policy, options, ({ req }) => req.path);
  return async (context, next) => {
    const execution = executionOf(settings, context);
    if (execution === undefined) return next();
    const request = context.req.raw;
    const node = nodeResponseOf(context.env);
    if (node === undefined ? request.signal.aborted : isClosed(node)) return clientGone();
    const startedAt = startOf(nodeOf(context.env)?.incoming ?? request) ?? systemClock.now();
    const admission = new Admission(settings.policy);
    remember(request, admission);
    // On Node the response says when it is over, and nothing has to stand between it and the handler's body.
    if (node === undefined) request.signal.addEventListener("abort", () => admission.abandon(), { once: true });
    else endWithResponse(node, admission, settings.isFailure);
    try {
      await admission.enter(execution);
    } catch (error) {
      const facts = { request: context, traceparent: context.req.header("traceparent"), startedAt };
      const refusal = refusalOf(error, facts, settings);
      if (refusal !== undefined) return new Response(refusal.body, refusal);
      if (admission.signal.aborted) return clientGone();
      throw error;
    }
    if (node !== undefined) return next();
    try {
      await next();
    } catch (error) {
      admission.fail(error);
      throw error;
    }
    context.res = endWithBody(context.res, admission, settings.isFailure);
    return undefined;
  };
}

/** Where Hono runs on Node, its server puts Node's own objects there. */
function nodeResponseOf(env: unknown): NodeResponse | undefined {
  const outgoing = (env as { readonly outgoing?: Partial<NodeResponse> } | null | undefined)?.outgoing;
  return typeof outgoing?.once === "function" && typeof outgoing.writeHead === "function"
    ? (outgoing as NodeResponse)
    : undefined;
}

/** Nobody gets it; the framework wants an answer all the same. */
function clientGone(): Response {
  return new Response(null, { status: 499 });
}
