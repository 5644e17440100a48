import type { Context, MiddlewareHandler } from "hono";
import type { Health } from "../../telemetry/index.ts";
import { healthRoutes, type HealthRoutesOptions, type TrackedResponse } from "../http-server/index.ts";
import { nodeOf } from "./problem-node-pair.ts";
import { endWithBody } from "./tracked-body.ts";

/**
 * Middleware that answers `/livez`, `/readyz`, `/startupz` and `/healthz`, and counts all other requests as in flight, so
 * that a drain waits for them, until the response has left or the client has gone. Goes before everything else.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * app.use(healthHandler(health));
 */
export function healthHandler(health: Health, options: HealthRoutesOptions<Context> = {}): MiddlewareHandler {
  const routes = healthRoutes<Context>("hono", health, options);
  return async (context, next) => {
    const { method, path } = context.req;
    const answer = routes.answer(context, method, path);
    const outgoing = nodeOf(context.env)?.outgoing as TrackedResponse | undefined;
    if (outgoing !== undefined) routes.follow(outgoing, answer !== undefined);
    if (answer !== undefined) {
      return new Response(method === "HEAD" ? null : answer.body, { status: answer.status, headers: answer.headers });
    }
    if (!routes.tracks || outgoing !== undefined) return next();
    const leave = health.enter();
    const { signal } = context.req.raw;
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    try {
      await next();
    } catch (error) {
      leave();
      throw error;
    }
    context.res = endWithBody(context.res, { succeed: leave, fail: leave, abandon: leave }, () => false);
    return undefined;
  };
}
