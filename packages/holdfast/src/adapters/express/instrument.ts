import type { Request, RequestHandler } from "express";
import { InvalidArgumentError } from "../../errors/base.ts";
import type { InstrumentedService } from "../../telemetry/index.ts";

/**
 * Middleware that counts requests by route, with how they end and how long they take, for the dashboard that an
 * instrumented service appears in. A status of 500 and above counts as failed. Goes before the routes.
 *
 * @throws InvalidArgumentError without a service
 * @example
 * const service = instrumentService({ service: "shop", endpoints: ["http://127.0.0.1:2381"] });
 * app.use(instrument(service));
 */
export function instrument(service: Pick<InstrumentedService, "observer">): RequestHandler {
  if (typeof service?.observer !== "function") {
    throw new InvalidArgumentError("instrument.service", "must be what instrumentService gives", service);
  }
  return (request, response, next) => {
    const startedMs = performance.now();
    // The route is known only once it is found; how the request ends is known last.
    response.once("close", () => {
      const { writableFinished, statusCode } = response;
      const observer = service.observer(routeOf(request), "route");
      observer.started();
      const outcome = !writableFinished ? "abandoned" : statusCode >= 500 ? "failed" : "succeeded";
      observer.ended(outcome, performance.now() - startedMs);
    });
    next();
  };
}

/** The route's pattern, below where its router is mounted; what no route is for has one name, whatever its paths are. */
function routeOf({ method, baseUrl, route }: Request): string {
  const { path } = (route ?? {}) as { readonly path?: string | RegExp | readonly (string | RegExp)[] };
  return path === undefined ? "(no route)" : `${method} ${baseUrl}${[path].flat().join("|")}`;
}
