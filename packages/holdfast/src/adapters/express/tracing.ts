import type { Request, RequestHandler } from "express";
import { checkTracer, type Tracer } from "../../telemetry/index.ts";
import { endHandledSpan, startHandledSpan } from "../http-server/index.ts";

/**
 * Middleware that answers each request in a span, of the trace that its `traceparent` names or a new one. The span is named
 * by method and route, and ends with the response. Goes before everything that is to be seen in it.
 *
 * @throws InvalidArgumentError for what is no tracer
 * @example
 * app.use(tracing(tracer));
 */
export function tracing(tracer: Tracer): RequestHandler {
  checkTracer("express.tracer", tracer);
  return (request, response, next) => {
    const { method, path, headers } = request;
    const { traceparent, tracestate } = headers;
    const span = startHandledSpan(tracer, { method, path, traceparent, tracestate });
    response.once("close", () => {
      const { writableFinished, statusCode } = response;
      endHandledSpan(span, method, routeOf(request), writableFinished ? statusCode : undefined);
    });
    tracer.run(span, next);
  };
}

/** The route's pattern, below where its router is mounted. */
function routeOf({ baseUrl, route }: Request): string | undefined {
  const { path } = (route ?? {}) as { readonly path?: string | RegExp | readonly (string | RegExp)[] };
  return path === undefined ? undefined : `${baseUrl}${[path].flat().join("|")}`;
}
