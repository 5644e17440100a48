import type { ErrorRequestHandler, Request, RequestHandler } from "express";
import { InvalidArgumentError } from "../../errors/base.ts";
import type { InstrumentedService } from "../../telemetry/index.ts";

type Instrumenting = Pick<InstrumentedService, "observer"> & Partial<Pick<InstrumentedService, "recordError">>;

/** On the request itself, as the last handler of errors has seen it. */
const failure: unique symbol = Symbol("holdfast.failure");

interface Failed {
  [failure]?: unknown;
}

/**
 * Middleware that counts requests by route, with how they end and how long they take, for the dashboard that an
 * instrumented service appears in. A status of 500 and above counts as failed. Goes before the routes.
 *
 * @throws InvalidArgumentError without a service
 * @example
 * const service = instrumentService({ service: "shop", endpoints: ["http://127.0.0.1:2381"] });
 * app.use(instrument(service));
 */
export function instrument(service: Instrumenting): RequestHandler {
  if (typeof service?.observer !== "function") {
    throw new InvalidArgumentError("instrument.service", "must be what instrumentService gives", service);
  }
  return (request: Request & Failed, response, next) => {
    const startedMs = performance.now();
    // Express has it, its types have not: what all requests of an app inherit from.
    followRoutes((request.app as unknown as { readonly request: object }).request);
    // The route is known only once it is found; how the request ends is known last.
    response.once("close", () => {
      const { writableFinished, statusCode } = response;
      const observer = service.observer(routeOf(request), "route");
      const hasFailed = statusCode >= 500;
      observer.started();
      const outcome = !writableFinished ? "abandoned" : hasFailed ? "failed" : "succeeded";
      observer.ended(outcome, performance.now() - startedMs);
      // One that was made an answer of another kind is none of the service's.
      if (hasFailed && request[failure] !== undefined) service.recordError?.(request[failure]);
    });
    next();
  };
}

/**
 * Middleware that lets `instrument` count the errors of what is answered with a status of 500 and above. Goes after the
 * routes, before other handlers of errors: Express tells nobody else of them. It passes every error on.
 *
 * @example
 * app.use(instrumentErrors());
 */
export function instrumentErrors(): ErrorRequestHandler {
  return (error: unknown, request: Request & Failed, _response, next) => {
    request[failure] ??= error;
    next(error);
  };
}

/** The route of a request, and where its router was mounted when it was found. */
const place: unique symbol = Symbol("holdfast.place");

interface Placed {
  [place]?: { readonly route: unknown; readonly baseUrl: string };
}

/**
 * Keeps with each request of an app where its route was found: an error that leaves a mounted router takes that with it, and
 * a route that fails would be another one than the same that answers.
 */
function followRoutes(requests: object): void {
  if (Object.hasOwn(requests, "route")) return;
  Object.defineProperty(requests, "route", {
    configurable: true,
    enumerable: true,
    get(this: Placed) {
      return this[place]?.route;
    },
    set(this: Placed & Partial<Request>, route: unknown) {
      this[place] = { route, baseUrl: this.baseUrl ?? "" };
    },
  });
}

/** The route's pattern, below where its router is mounted; what no route is for has one name, whatever its paths are. */
function routeOf(request: Request & Placed): string {
  const { route, baseUrl = "" } = request[place] ?? {};
  const { path } = (route ?? {}) as { readonly path?: string | RegExp | readonly (string | RegExp)[] };
  return path === undefined ? "(no route)" : `${request.method} ${baseUrl}${[path].flat().join("|")}`;
}
