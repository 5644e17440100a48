import type { Context, MiddlewareHandler } from "hono";
import type { Health } from "../../telemetry/index.ts";
import { healthRoutes, type HealthRoutesOptions, type NodeResponse } from "../http-server/index.ts";
import { nodeOf } from "./problem-node-pair.ts";

/**
 * Middleware that answers `/livez`, `/readyz`, `/startupz` and `/healthz`, and counts all other requests as in flight, so
 * that a drain waits for them: on Node until the response has left, elsewhere until the handler has answered. Goes before
 * everything else.
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
    if (answer !== undefined) {
      return new Response(method === "HEAD" ? null : answer.body, { status: answer.status, headers: answer.headers });
    }
    if (!routes.tracks) return next();
    const outgoing = nodeOf(context.env)?.outgoing as NodeResponse | undefined;
    if (outgoing === undefined) return health.track(() => next());
    outgoing.once("close", health.enter());
    return next();
  };
}
