import type { Request, RequestHandler } from "express";
import type { Health } from "../../telemetry/index.ts";
import { healthRoutes, type HealthRoutesOptions } from "../http-server/index.ts";

/**
 * Middleware that answers `/livez`, `/readyz`, `/startupz` and `/healthz`, and counts all other requests as in flight, so
 * that a drain waits for them. Goes before everything else.
 *
 * @throws InvalidArgumentError for options that break their rules
 * @example
 * app.use(healthHandler(health));
 */
export function healthHandler(health: Health, options: HealthRoutesOptions<Request> = {}): RequestHandler {
  const routes = healthRoutes<Request>("express", health, options);
  return (request, response, next) => {
    const answer = routes.answer(request, request.method, request.originalUrl.split("?", 1)[0] ?? "");
    routes.follow(response, answer !== undefined);
    if (answer !== undefined) {
      response.writeHead(answer.status, answer.headers).end(request.method === "HEAD" ? undefined : answer.body);
      return;
    }
    next();
  };
}
